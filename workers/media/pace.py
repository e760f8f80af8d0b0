"""How fast a peer may send: nobody speaks or presses keys faster than time goes by. Pure."""

from typing import Final

AUDIO_PER_S: Final = 8000
AUDIO_AHEAD: Final = 10 * AUDIO_PER_S
"""Samples a carrier may be ahead of the clock: what waited in a network comes late, never early."""
KEYS_PER_S: Final = 20
KEYS_AHEAD: Final = 100
SAVED_S: Final = 30
"""What was not sent may come later, but no more than so many seconds' worth: a network, or this
worker, may stand still for as long; one who was quiet for an hour may not send an hour at once."""

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

    __slots__ = ("_at", "_left", "_most", "_per_s")

    def __init__(self, per_s: int, ahead: int) -> None:
        self._per_s = per_s
        self._left = float(ahead)
        self._most = ahead + SAVED_S * per_s
        self._at: float | None = None

    def keeps(self, amount: int, now: float) -> bool:
        """Whether all that came, with this `amount` at `now` (seconds), is no faster than life."""
        if self._at is not None:
            self._left = min(self._most, self._left + (now - self._at) * self._per_s)
        self._at = now
        self._left -= amount
        return self._left >= 0
