"""Both sides of a call in 20 ms slots, leaving as segments of a second.

The caller's frames follow each other; the agent's lie where the carrier plays them, so both sides
of the recording are as a listener on the line would hear them. Positions count from the moment
media began; the recording is as long as the call.
"""

from collections.abc import Callable
from typing import Final

from callfunnel.events.audio import AudioSegment
from workers.media.audio.g711 import FRAME, SILENCE

SLOTS: Final = 50
"""Slots of a segment: what a killed worker loses at most, beside the lag."""
SEGMENT_MS: Final = SLOTS * 20
LAG: Final = 32
"""Slots a side may be late or early (640 ms) before it is cut or filled with silence."""


class Recorder:
    """One call's recording. `began` is the time of the first sample."""

    __slots__ = ("_agent", "_base", "_began", "_caller", "_count", "_next", "_tell")

    def __init__(self, began: float, tell: Callable[[AudioSegment], None]) -> None:
        self._began = began
        self._tell = tell
        self._caller = bytearray()
        self._agent = bytearray()
        self._base = 0
        self._next = 0
        self._count = 0

    def caller(self, ulaw: bytes, now: float) -> None:
        """20 ms from the caller, just arrived."""
        here = self._slot(now)
        if self._next < here - LAG:
            self._next = here - LAG
        elif self._next > here + LAG:
            return
        self._put(self._caller, ulaw, self._next)
        self._next += 1
        if here >= self._base + SLOTS + LAG:
            self._flush(SLOTS)

    def agent(self, ulaw: bytes, at: float) -> None:
        """20 ms that the carrier begins to play at `at`."""
        here = self._slot(at)
        self._put(self._agent, ulaw, here)
        if here >= self._base + 2 * (SLOTS + LAG):  # the caller's side has stopped coming
            self._flush(SLOTS)

    def cut(self, now: float) -> None:
        """The carrier dropped what it had not played."""
        del self._agent[max(0, self._slot(now) - self._base) * FRAME :]

    def finish(self, now: float) -> None:
        """Everything up to `now`, as the last segments."""
        left = self._slot(now) - self._base
        while left > 0:
            self._flush(min(left, SLOTS))
            left = self._slot(now) - self._base

    def _slot(self, at: float) -> int:
        return max(0, int((at - self._began) * 50.0 + 0.5))

    def _put(self, side: bytearray, ulaw: bytes, slot: int) -> None:
        begin = (slot - self._base) * FRAME
        if begin < 0:
            return
        if len(side) < begin:
            side += SILENCE * (begin - len(side))
        side[begin : begin + FRAME] = ulaw

    def _flush(self, slots: int) -> None:
        length = slots * FRAME
        sides = [
            bytes(side[:length]).ljust(length, SILENCE) for side in (self._caller, self._agent)
        ]
        del self._caller[:length], self._agent[:length]
        start = self._base * FRAME
        self._base += slots
        self._count += 1
        self._tell(AudioSegment(n=self._count - 1, start=start, caller=sides[0], agent=sides[1]))
