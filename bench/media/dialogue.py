"""What caller and model do to each other, 20 ms at a time: pure, one script for both ends.

A turn: the caller speaks, the model notices, the caller stops, the model answers; every fourth
time the caller speaks into the answer. The agent talks about half of the time.
"""

import enum
import random
from typing import Final

SPEECH: Final = 100
"""Frames of a caller's turn: 2 s."""
NOTICED: Final = 6
"""Frames until the model says that somebody speaks."""
ENDPOINT: Final = 20
"""Frames of silence until it says that the turn is over."""
BARGE_AFTER: Final = 60
"""Frames of an answer before the caller speaks into it."""
ANSWER_DELTAS: Final = 42
"""Deltas of 100 ms of an answer."""
GREETING_DELTAS: Final = 15
_DEAF: Final = 600
"""Frames without an answer after which the caller simply speaks again."""


class Happens(enum.Enum):
    """What one step brings beside the frame."""

    NOTHING = 0
    NOTICED = 1
    OVER = 2


class Dialogue:
    """One call's script. `speaking`: whether the caller's next frame is speech."""

    __slots__ = ("_at", "_pause", "_random", "_spoke", "_turn", "speaking")

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._at = 0
        self._pause = self._random.randint(60, 160)
        self._turn = self._random.randrange(4)
        self._spoke = self.speaking = False

    def step(self, agent_frames: int, agent_talks: bool) -> Happens:
        """The next 20 ms. `agent_frames`: heard of this answer; `agent_talks`: more will come."""
        self._at += 1
        if self.speaking:
            if self._at == NOTICED:
                return Happens.NOTICED
            if self._at >= SPEECH:
                self.speaking, self._at = False, 0
            return Happens.NOTHING
        if self._at == ENDPOINT and self._spoke:
            return Happens.OVER
        if self._may_speak(agent_frames, agent_talks):
            self._spoke = self.speaking = True
            self._at = 0
            self._turn += 1
            self._pause = self._random.randint(30, 70)
        return Happens.NOTHING

    def _may_speak(self, agent_frames: int, agent_talks: bool) -> bool:
        if self._at <= ENDPOINT:
            return False
        if agent_talks:
            return (self._turn % 4 == 3 and agent_frames >= BARGE_AFTER) or self._at > _DEAF
        if not agent_frames and self._at < _DEAF:
            return False  # the answer has not begun
        self._pause -= 1
        return self._pause <= 0
