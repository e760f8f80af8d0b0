"""The one way out: the first cause wins, later ones are notes, and last words have their time."""

from callfunnel.domain.call import Cause, EndedBy

MAX_NOTE = 200


class Ending:
    """Why and how the call ends, once that is decided.

    `words`: still to be said; `number`: whom the carrier dials afterwards; `until`: when the end
    comes though not everything was heard.
    """

    def __init__(self) -> None:
        self.cause: Cause | None = None
        self.by = EndedBy.PLATFORM
        self.note = ""
        self.words = ""
        self.number = ""
        self.until = 0.0

    def decide(self, cause: Cause, by: EndedBy, note: str = "") -> bool:
        """The first cause decides (True); any later one becomes a note (False)."""
        if self.cause is not None:
            self.add_note(f"then {cause.value}" + (f": {note}" if note else ""))
            return False
        self.cause, self.by = cause, by
        self.add_note(note)
        return True

    def add_note(self, note: str) -> None:
        """Adds to the note, which stays short and holds stable words only."""
        self.note = "; ".join(part for part in (self.note, note) if part)[:MAX_NOTE]

    def missed_transfer(self, cause: Cause, by: EndedBy) -> None:
        """The line went before the transfer could be made: it was none."""
        if self.number:
            self.cause, self.by, self.number = cause, by, ""
            self.add_note("before the transfer")
