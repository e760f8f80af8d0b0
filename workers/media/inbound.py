"""The caller's voice on its way in: recorded, forwarded, listened to, 50 times a second.

Straight-line code on bytes. It tells the call only when speech begins and ends, and obeys one
switch of the core.
"""

import asyncio
from collections.abc import Callable

from workers.media.audio.g711 import FRAME
from workers.media.audio.recorder import Recorder
from workers.media.audio.vad import ONSET_MS, Edge, EdgeVad
from workers.media.core.inputs import EdgeSpeechEnded, EdgeSpeechStarted, Input


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
        self.echo = self._vad.echo
        self.recorder: Recorder | None = None
        self.forward = False
        self.heard = 0

    def hear(self, payload: bytes, ulaw: bytes) -> None:
        """One piece of the caller, as base64 and as bytes; carriers send 160 samples."""
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
