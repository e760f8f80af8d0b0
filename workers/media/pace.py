"""How fast a peer may send: nobody speaks or presses keys faster than time goes by. Pure."""

from typing import Final

AUDIO_PER_S: Final = 8000
AUDIO_AHEAD: Final = 10 * AUDIO_PER_S
"""Samples a carrier may be ahead of the clock: what waited in a network comes late, never early."""
KEYS_PER_S: Final = 20
KEYS_AHEAD: Final = 100


FRAME_COST: Final = 1000
"""Bytes that a frame costs beside its own: what a reader does for each of them."""
CARRIER_BYTES_PER_S: Final = 160_000
CARRIER_BYTES_AHEAD: Final = 800_000
"""Twice what a call sends, and 10 s of it at once; of the smallest frames that is 800."""
MODEL_BYTES_PER_S: Final = 512 * 1024
MODEL_BYTES_AHEAD: Final = 5 * 1024 * 1024
"""A reply comes much faster than it is spoken, in pieces of 20 ms or more; few last a minute."""


class Pace:
    """Counts what comes from the first on; `ahead` is how much may come too early."""

    __slots__ = ("_ahead", "_began", "_per_s", "_sum")

    def __init__(self, per_s: int, ahead: int) -> None:
        self._per_s = per_s
        self._ahead = ahead
        self._sum = 0
        self._began: float | None = None

    def keeps(self, amount: int, now: float) -> bool:
        """Whether all that came, with this `amount` at `now` (seconds), is no faster than life."""
        if self._began is None:
            self._began = now
        self._sum += amount
        return self._sum <= self._ahead + (now - self._began) * self._per_s
