"""The way of the agent's audio to the carrier: one queue, fed a small window ahead of real time.

Because never more than the window and a frame is at the carrier, pausing is to stop feeding: what
is there runs dry by itself, nothing is cleared, and marks stay valid. `due` is pure; the session
sends.
"""

from typing import Final

from workers.media.audio.g711 import FRAME, FRAME_S, SILENCE

AHEAD_S: Final = 0.12
MARK_EVERY: Final = 8 * FRAME
"""Samples between marks: 160 ms, fine enough to know what was heard to the word."""
MOST_WAITING: Final = 600 * 8000
"""Samples that may wait: ten minutes, longer than a reply is. A model may send faster than life."""
_EARLY_S: Final = 0.0005
"""A timer may come so much early, half a step of the loop's clock: its frame leaves all the same,
where waiting for the next step would make every frame of the call a millisecond late."""
_TAIL_S: Final = 0.03
"""A piece shorter than a frame waits for its rest until the carrier has so little left."""


class Playout:
    """Queue and clock of one call. `feed` is the core's switch."""

    __slots__ = ("_begin", "_marked", "_playhead", "_queue", "feed", "sent")

    def __init__(self) -> None:
        self._queue = bytearray()
        self._begin = 0
        self._playhead = 0.0
        self._marked = 0
        self.sent = 0
        self.feed = True

    @property
    def waiting(self) -> int:
        """Samples queued and not sent."""
        return len(self._queue) - self._begin

    def put(self, ulaw: bytes) -> None:
        """Audio of the current generation, any length."""
        self._queue += ulaw

    def restart(self) -> None:
        """A new generation: the queue is emptied and positions begin at 0."""
        self._queue.clear()
        self._begin = self._marked = self.sent = 0

    def cleared(self, now: float) -> None:
        """The carrier dropped what it had: nothing is ahead any more."""
        self._playhead = min(self._playhead, now)

    def due(self, now: float) -> tuple[bytes, float, int] | None:
        """The next 20 ms if it may leave at `now`: frame, when the carrier will begin to play it,
        and how many of its samples are the agent's (the rest fills the frame with silence)."""
        waiting = self.waiting
        if not self.feed or not waiting or self._playhead > now + AHEAD_S + _EARLY_S:
            return None
        if waiting < FRAME and self._playhead > now + _TAIL_S + _EARLY_S:
            return None
        samples = min(waiting, FRAME)
        begins = max(self._playhead, now)
        self._playhead = begins + FRAME_S
        return self._take(samples), begins, samples

    def mark_due(self) -> bool:
        """Whether a mark belongs here: every MARK_EVERY samples and behind the last one."""
        unmarked = self.sent - self._marked
        if unmarked < MARK_EVERY and (self.waiting or not unmarked):
            return False
        self._marked = self.sent
        return True

    def next_at(self, now: float) -> float | None:
        """When `due` may have a frame again; None while paused or empty."""
        if not self.feed or not self.waiting:
            return None
        margin = _TAIL_S if self.waiting < FRAME else AHEAD_S
        return max(now, self._playhead - margin)

    def _take(self, length: int) -> bytes:
        frame = bytes(self._queue[self._begin : self._begin + length])
        self._begin += length
        self.sent += length
        if self._begin >= len(self._queue):
            self._queue.clear()
            self._begin = 0
        elif self._begin > 100 * FRAME:
            del self._queue[: self._begin]
            self._begin = 0
        return frame if length == FRAME else frame.ljust(FRAME, SILENCE)
