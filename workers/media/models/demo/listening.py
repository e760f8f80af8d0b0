"""From frames to whole turns: where the caller's turn begins and where it ends. No I/O.

Voice that lasts is told at once (it may interrupt the agent); a short "yes" only once words were
recognised in it, so that a cough is nothing. A turn is guessed at while the silence after it still
grows: by the time the silence is long enough for the words, the words are there.
"""

import enum
from collections import deque
from typing import Final

from callfunnel.domain.rulebook import Endpointing
from workers.media.audio.vad import ONSET_FRAMES, Edge, EdgeVad
from workers.media.core.endpointing import wait_ms

FRAME_MS: Final = 20
LASTING_FRAMES: Final = 12
"""Voice of 240 ms is somebody speaking: longer than a cough or a click."""
_PREROLL_FRAMES: Final = 12
_LONGEST_FRAMES: Final = 1500


class Heard(enum.Enum):
    """What one frame changed."""

    NOTHING = enum.auto()
    SPEECH = enum.auto()
    """Somebody speaks, and means it."""
    GUESS = enum.auto()
    """They fell silent: the words so far should be guessed."""


class Listening:
    """One caller's. Times are counted in frames, so that it needs no clock."""

    def __init__(self, rules: Endpointing) -> None:
        self._rules = rules
        self._vad = EdgeVad()
        self._before: deque[bytes] = deque(maxlen=_PREROLL_FRAMES)
        self._frames: list[bytes] = []
        self._voiced = self._silent = 0
        self._text: str | None = None
        self.open = self.lasting = False
        self.version = 0

    def hear(self, ulaw: bytes) -> Heard:
        """One frame of the caller."""
        edge = self._vad.hear(ulaw)
        if not self.open:
            self._before.append(ulaw)
            if edge is Edge.STARTED:
                self._begin()
            return Heard.NOTHING
        self._frames.append(ulaw)
        return self._silence(edge) if self._silent or edge is Edge.ENDED else self._voice()

    def turn(self) -> bytes:
        """The audio of the turn so far."""
        return b"".join(self._frames)

    def guessed(self, text: str, version: int) -> bool:
        """The words of the turn as it was at `version`; False when it has gone on since."""
        if not self.open or version != self.version or not self._silent:
            return False
        self._text = text
        return True

    def over(self) -> bool:
        """Has the turn ended? Needs its words, and a silence that is long enough for them."""
        if not self.open or self._text is None:
            return False
        return self._silent * FRAME_MS >= wait_ms(self._text, self._rules)

    def finish(self) -> None:
        """Ends the turn; the next voice begins another."""
        self.open = self.lasting = False
        self._frames = []
        self._before.clear()

    def _begin(self) -> None:
        self.open = True
        self.version += 1
        self._voiced, self._silent = ONSET_FRAMES, 0
        self._text = None
        self._frames = list(self._before)

    def _voice(self) -> Heard:
        self._voiced += self._vad.voiced
        if len(self._frames) >= _LONGEST_FRAMES:
            self._silent = _LONGEST_FRAMES
            return Heard.GUESS
        if self._voiced >= LASTING_FRAMES and not self.lasting:
            self.lasting = True
            return Heard.SPEECH
        return Heard.NOTHING

    def _silence(self, edge: Edge) -> Heard:
        if edge is Edge.STARTED:
            self.version += 1
            self._silent = 0
            self._text = None
            return self._voice()
        if edge is Edge.ENDED:
            self._silent = max(1, self._vad.silent_ms // FRAME_MS)
            return Heard.GUESS
        self._silent += 1
        return Heard.NOTHING
