"""From frames to whole turns: where the caller's turn begins and where it ends. No I/O.

A turn is guessed at while the silence after it still grows: when the caller speaks on, the guess
is forgotten; when they do not, the words are there by the time the silence is long enough.
"""

from collections import deque
from typing import Final

from callfunnel.domain.rulebook import Endpointing
from workers.media.audio.vad import HANGOVER_FRAMES, Edge, EdgeVad
from workers.media.core.endpointing import wait_ms

FRAME_MS: Final = 20
_PREROLL_FRAMES: Final = 20
_LONGEST_FRAMES: Final = 1500


class Listening:
    """One caller's. `hear` says what a frame changed; times are counted in frames."""

    def __init__(self, rules: Endpointing) -> None:
        self._rules = rules
        self._vad = EdgeVad()
        self._before: deque[bytes] = deque(maxlen=_PREROLL_FRAMES)
        self._frames: list[bytes] = []
        self._silent = 0
        self._text: str | None = None
        self.talking = False
        self.version = 0

    def hear(self, ulaw: bytes) -> Edge:
        """One frame: STARTED when a turn begins, ENDED when its words should be guessed."""
        edge = self._vad.hear(ulaw)
        if not self.talking:
            self._before.append(ulaw)
            if edge is Edge.STARTED:
                self._begin()
                return Edge.STARTED
            return Edge.NOTHING
        self._frames.append(ulaw)
        return self._during(edge)

    def turn(self) -> bytes:
        """The audio of the turn so far."""
        return b"".join(self._frames)

    def guessed(self, text: str, version: int) -> None:
        """The words of the turn as it was when it had this version."""
        if version == self.version:
            self._text = text

    def over(self) -> bool:
        """Has the turn ended? Needs its words, and a silence that is long enough for them."""
        if not self.talking or self._text is None:
            return False
        return self._silent * FRAME_MS >= wait_ms(self._text, self._rules)

    def finish(self) -> str:
        """Ends the turn; its words."""
        text, self._text = self._text or "", None
        self.talking = False
        self._frames = []
        self._before.clear()
        return text

    def _begin(self) -> None:
        self.talking = True
        self.version += 1
        self._silent = 0
        self._text = None
        self._frames = list(self._before)

    def _during(self, edge: Edge) -> Edge:
        if edge is Edge.STARTED:
            self.version += 1
            self._silent = 0
            self._text = None
        elif edge is Edge.ENDED:
            self._silent = HANGOVER_FRAMES
            return Edge.ENDED
        elif self._silent:
            self._silent += 1
        if len(self._frames) == _LONGEST_FRAMES:
            self._silent = _LONGEST_FRAMES
            return Edge.ENDED
        return Edge.NOTHING
