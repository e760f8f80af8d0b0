"""The edge's own voice detection: when the caller begins and stops to speak, frame by frame.

Decides on two things only: runs of voiced frames (webrtcvad), and how far the caller is above the
echo of the agent's own voice. What an onset means is the core's to say.
"""

import enum
from typing import Final

import webrtcvad

from workers.media.audio.g711 import QUIET_DB, level_db, to_linear

ONSET_FRAMES: Final = 2
"""Voiced frames in a row that begin speech: 40 ms, below any onset the rule book can ask for."""
HANGOVER_FRAMES: Final = 8
"""Unvoiced frames in a row that end it: 160 ms, longer than the closure of a plosive."""
SHORT_FRAMES: Final = 4
"""Speech that has not lasted longer (a click, a bump) ends with its first unvoiced frame."""
ONSET_MS: Final = ONSET_FRAMES * 20
FLOOR_DB: Final = -50.0
"""Nothing quieter is speech: the detector alone takes the idle noise of a line for a voice."""
_AGGRESSIVENESS: Final = 2
_RATE: Final = 8000


class Edge(enum.IntEnum):
    """What one frame changed."""

    NOTHING = 0
    STARTED = 1
    ENDED = 2


class EdgeVad:
    """One caller's detector. `silent_ms`: how long the frame that ended speech came after it."""

    __slots__ = ("_run", "_vad", "_voiced", "echo", "silent_ms", "speaking")

    def __init__(self) -> None:
        self._vad = webrtcvad.Vad(_AGGRESSIVENESS)
        self._run = 0
        self._voiced = 0
        self.speaking = False
        self.silent_ms = 0
        self.echo = Echo()

    def hear(self, ulaw: bytes) -> Edge:
        """One frame of 160 samples from the caller."""
        pcm = to_linear(ulaw)
        self.echo.fade()
        level = level_db(pcm)
        voiced: bool = self._vad.is_speech(pcm, _RATE) and level > FLOOR_DB
        if voiced or self.echo.agent_talks:
            self.echo.heard(level, voiced=voiced)
        return self._count(voiced)

    @property
    def voiced(self) -> bool:
        """Whether the last frame was speech itself, not the pause it is granted."""
        return self.speaking and self._run == 0

    def _count(self, voiced: bool) -> Edge:
        if voiced == self.speaking:
            self._voiced += voiced
            self._run = 0
            return Edge.NOTHING
        self._run += 1
        if voiced:
            return self._begin() if self._run >= ONSET_FRAMES else Edge.NOTHING
        hangover = HANGOVER_FRAMES if self._voiced > SHORT_FRAMES else 1
        return self._end() if self._run >= hangover else Edge.NOTHING

    def _begin(self) -> Edge:
        self._voiced, self._run = self._run, 0
        self.speaking = True
        return Edge.STARTED

    def _end(self) -> Edge:
        self.silent_ms, self._run = self._run * 20, 0
        self.speaking = False
        return Edge.ENDED


class Echo:
    """How loud the agent comes back on the caller's line, so that it does not interrupt itself.

    The echo is taken as the agent's recent level less the loss of the line, which is learnt while
    the agent talks: quickly from frames without speech, slowly from those with (they may be echo).
    """

    __slots__ = ("_agent_db", "_caller_db", "_loss_db")

    _FLOOR_DB: Final = -55.0
    _DECAY_DB: Final = 0.7
    """Per frame: an echo of 200 ms ago still counts, 7 dB lower."""

    def __init__(self) -> None:
        self._agent_db = QUIET_DB
        self._caller_db = QUIET_DB
        self._loss_db = 18.0

    @property
    def agent_talks(self) -> bool:
        """Whether the agent was loud enough lately to come back."""
        return self._agent_db > self._FLOOR_DB

    def sent(self, ulaw: bytes) -> None:
        """One frame left for the caller."""
        self._agent_db = max(level_db(to_linear(ulaw)), self._agent_db)

    def fade(self) -> None:
        """20 ms have passed."""
        self._agent_db = max(QUIET_DB, self._agent_db - self._DECAY_DB)

    def heard(self, caller_db: float, *, voiced: bool) -> None:
        """One frame from the caller."""
        self._caller_db = caller_db
        if self.agent_talks:
            loss = min(60.0, max(6.0, self._agent_db - caller_db))
            self._loss_db += (loss - self._loss_db) * (0.004 if voiced else 0.05)

    @property
    def margin_db(self) -> float:
        """How far the caller's last frame was over the estimated echo (or the noise floor)."""
        return self._caller_db - max(self._FLOOR_DB, self._agent_db - self._loss_db)
