"""The caller's voice on its way in: recorded, forwarded, listened to, 50 times a second.

Straight-line code on bytes. It tells the call only when speech begins and ends, and obeys one
switch of the core.
"""

import asyncio
from collections.abc import Callable

from workers.media.audio.g711 import FRAME
from workers.media.audio.recorder import Recorder
from workers.media.audio.vad import ONSET_MS, Edge, EdgeVad
from workers.media.core.inputs import (
    BadFrame,
    EdgeSpeechEnded,
    EdgeSpeechStarted,
    Input,
    KeyPressed,
)
from workers.media.pace import AUDIO_AHEAD, AUDIO_PER_S, KEYS_AHEAD, KEYS_PER_S, Pace


class Inbound:
    """One call's caller side. `forward` is the core's switch; `heard` counts samples."""

    def __init__(
        self, append: Callable[[bytes, bytes], None], tell: Callable[[Input], None]
    ) -> None:
        self._clock = asyncio.get_running_loop().time
        self._append = append
        self._tell = tell
        self._vad = EdgeVad()
        self._odd = bytearray()
        self._audio_pace = Pace(AUDIO_PER_S, AUDIO_AHEAD)
        self._key_pace = Pace(KEYS_PER_S, KEYS_AHEAD)
        self.echo = self._vad.echo
        self.recorder: Recorder | None = None
        self.forward = False
        self.heard = 0

    def hear(self, payload: bytes, ulaw: bytes) -> None:
        """One piece of the caller, as base64 and as bytes; carriers send 160 samples."""
        if not self._audio_pace.keeps(len(ulaw), self._clock()):
            self._tell(BadFrame("carrier", "media faster than real time"))
            return
        if self.forward:
            self._append(payload, ulaw)
        self.heard += len(ulaw)
        if len(ulaw) == FRAME and not self._odd:
            self._frame(ulaw)
            return
        self._odd += ulaw
        while len(self._odd) >= FRAME:
            self._frame(bytes(self._odd[:FRAME]))
            del self._odd[:FRAME]

    def key(self, digit: str) -> None:
        """A key of the caller's phone; a flood of them would be a flood of facts."""
        kept = self._key_pace.keeps(1, self._clock())
        self._tell(KeyPressed(digit) if kept else BadFrame("carrier", "too many keys"))

    def stop(self, now: float) -> None:
        """The call is over: the recording is finished, and what still comes is nobody's."""
        if self.recorder is not None:
            self.recorder.finish(now)
            self.recorder = None
        self.forward = False

    def _frame(self, ulaw: bytes) -> None:
        if self.recorder is not None:
            self.recorder.caller(ulaw, self._clock())
        edge = self._vad.hear(ulaw)
        if edge is Edge.STARTED:
            self._tell(EdgeSpeechStarted(self.echo.margin_db, ONSET_MS))
        elif edge is Edge.ENDED:
            self._tell(EdgeSpeechEnded(self._vad.silent_ms))
