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
ONSET_MS: Final = ONSET_FRAMES * 20
HANGOVER_MS: Final = HANGOVER_FRAMES * 20
_AGGRESSIVENESS: Final = 2
_RATE: Final = 8000


class Edge(enum.IntEnum):
    """What one frame changed."""

    NOTHING = 0
    STARTED = 1
    ENDED = 2


class EdgeVad:
    """One caller's detector."""

    __slots__ = ("_run", "_vad", "echo", "speaking")

    def __init__(self) -> None:
        self._vad = webrtcvad.Vad(_AGGRESSIVENESS)
        self._run = 0
        self.speaking = False
        self.echo = Echo()

    def hear(self, ulaw: bytes) -> Edge:
        """One frame of 160 samples from the caller."""
        pcm = to_linear(ulaw)
        self.echo.fade()
        voiced: bool = self._vad.is_speech(pcm, _RATE)
        if voiced or self.echo.agent_talks:
            self.echo.heard(level_db(pcm), voiced=voiced)
        if voiced == self.speaking:
            self._run = 0
            return Edge.NOTHING
        self._run += 1
        if self._run < (ONSET_FRAMES if voiced else HANGOVER_FRAMES):
            return Edge.NOTHING
        self._run = 0
        self.speaking = voiced
        return Edge.STARTED if voiced else Edge.ENDED


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
