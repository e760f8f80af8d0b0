"""Is the caller's turn over? A silence counts as its end after a wait that depends on the words.

Used by whoever owns turn-taking at the edge: the core itself, or a local model's line.
"""

import re
from typing import Final

from callfunnel.domain.rulebook import Endpointing as Rules

_TRAILING = """
a an and as because but for from if my of or so than the to uh uhm um er erm until when which while
with your
"""
TRAILING: Final = frozenset(_TRAILING.split())
"""Words after which a speaker goes on: conjunctions, articles, prepositions, fillers."""

_NUMBERS = """
zero oh one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred
thousand double triple plus
"""
NUMBER_WORDS: Final = frozenset(_NUMBERS.split())

_EMAIL_SO_FAR: Final = re.compile(r"(@|\bat\b)[\w\s.-]*$")
_EMAIL_WHOLE: Final = re.compile(r"(\.|\bdot\s)\s*[a-z]{2,}$")


def wait_ms(text: str, rules: Rules, asked_for_number: bool = False) -> int:
    """How long a silence after `text` must last to end the turn, in milliseconds.

    `asked_for_number`: the agent has just asked for one, so pauses between digits are expected.
    Without any words yet (`text` empty) the shorter wait is used.
    """
    lowered = text.lower().strip()
    if not lowered:
        return rules.min_ms
    unfinished = asked_for_number or goes_on(lowered)
    return max(rules.unfinished_ms, rules.min_ms) if unfinished else rules.min_ms


def goes_on(text: str) -> bool:
    """Does `text` (lower case) end where a speaker is likely to continue?"""
    if text.endswith((",", "...", "-")):
        return True
    if text.endswith("?"):
        return False
    words = re.findall(r"[\w@.+'-]+", text.rstrip(".!"))
    if not words:
        return False
    return _reads_on(words[-1], words) or _spells_email(text.rstrip(".!"))


def _reads_on(last: str, words: list[str]) -> bool:
    if last.isdecimal() or last in NUMBER_WORDS or last in TRAILING:
        return True
    return len(last) == 1 and len(words) > 1 and last.isalpha()


def _spells_email(text: str) -> bool:
    spoken = "@" in text or re.search(r"\bat\b.*\b(dot|gmail|mail|hotmail|outlook)\b", text)
    return bool(spoken and _EMAIL_SO_FAR.search(text) and not _EMAIL_WHOLE.search(text))


class Endpointing:
    """The edge's own end of turn: waits for silence, starting anew whenever the caller speaks."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._silent_since: float | None = None
        self._text = ""

    def voice(self) -> None:
        """The caller speaks: the turn goes on."""
        self._silent_since = None

    def silence(self, at: float) -> None:
        """The caller fell silent at `at`."""
        self._silent_since = at

    def words(self, text: str) -> None:
        """The words of the turn so far."""
        self._text = text

    def over(self, now: float) -> bool:
        """Is the turn over? True once; then a new turn is waited for."""
        end = self.deadline()
        if end is None or now < end:
            return False
        self._silent_since, self._text = None, ""
        return True

    def deadline(self) -> float | None:
        """When the silence will have lasted long enough."""
        if self._silent_since is None:
            return None
        return self._silent_since + wait_ms(self._text, self._rules) / 1000
