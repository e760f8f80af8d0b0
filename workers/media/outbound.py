"""The agent's voice on its way out: one timer per call, frames a small window ahead of real time.

Straight-line code on bytes. It tells the call only transitions: the first frame after silence, and
that the queue ran dry. Marks carry the names the call's playback ledger gives.
"""

import asyncio
from collections.abc import Callable

from workers.media.audio.g711 import FRAME_S
from workers.media.audio.playout import MOST_WAITING, Playout
from workers.media.audio.recorder import Recorder
from workers.media.audio.vad import Echo
from workers.media.channels.dialect import Dialect, Frame
from workers.media.core.inputs import Input, PlayoutStarted, QueueDry
from workers.media.core.playback import Playback


class Outbound:
    """Queue, clock and timer of one call's agent side. `tell` may call back into this object."""

    def __init__(
        self,
        dialect: Dialect,
        send: Callable[[Frame], None],
        playback: Playback,
        echo: Echo,
        tell: Callable[[Input], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._dialect = dialect
        self._send = send
        self._playback = playback
        self._echo = echo
        self._tell = tell
        self._playout = Playout()
        self._flowing = False
        self._timer: asyncio.TimerHandle | None = None
        self.recorder: Recorder | None = None
        self.sent = 0

    def takes(self, samples: int) -> bool:
        """Whether so much more may be queued."""
        return self._playout.waiting + samples <= MOST_WAITING

    def put(self, ulaw: bytes) -> None:
        """Queues audio of the current generation; `pump` sends it."""
        self._playout.put(ulaw)

    def feed(self, on: bool) -> None:
        """The core's switch. Off leaves everything queued where it is."""
        self._playout.feed = on
        if on:
            self.soon()

    def restart(self) -> None:
        """A new generation: what was queued is gone."""
        self._playout.restart()
        self._flowing = False

    def clear(self) -> None:
        """Has the carrier drop what it holds."""
        now = self._loop.time()
        self._playout.cleared(now)
        if self.recorder is not None:
            self.recorder.cut(now)
        self._send(self._dialect.clear())

    def soon(self) -> None:
        """Audio was queued: sends in this turn of the loop, unless a later frame is planned."""
        if self._timer is None and self._playout.feed:
            self._timer = self._loop.call_at(self._loop.time(), self.pump)

    def pump(self) -> None:
        """Sends what is due and sets the timer for the rest."""
        now = self._loop.time()
        began, sent = not self._flowing, 0
        while (due := self._playout.due(now)) is not None:
            self._frame(*due)
            sent += 1
        dry = sent > 0 and not self._playout.waiting
        self._flowing = (self._flowing or sent > 0) and not dry
        self._arm(now)
        if sent and began:
            self._tell(PlayoutStarted())
        if dry:
            self._tell(QueueDry())

    def stop(self) -> None:
        """Sends nothing more."""
        self._playout.restart()
        if self._timer is not None:
            self._timer.cancel()

    def _frame(self, ulaw: bytes, begins: float, samples: int) -> None:
        self._send(self._dialect.media(ulaw))
        self._playback.sent(samples)
        self.sent += samples
        self._echo.sent(ulaw)
        if self.recorder is not None:
            self.recorder.agent(ulaw, begins)
        if self._playout.mark_due():
            self._send(self._dialect.mark(self._playback.mark()))

    def _arm(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self._playout.next_at(now)
        if at is not None:
            self._timer = self._loop.call_at(max(at, now + FRAME_S / 10), self.pump)
