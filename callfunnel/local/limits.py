"""How often one client may ask: a token bucket per key, in a bounded table. Time is an argument."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class RateLimit:
    """`burst` at once, then `per_second`. At most `keys` keys are remembered, the oldest go."""

    def __init__(self, per_second: float, burst: int, keys: int = 10_000) -> None:
        self._per_second = per_second
        self._burst = burst
        self._keys = keys
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait(self, key: str, now: float) -> int:
        """0 when one more is allowed now, else after how many whole seconds to ask again."""
        left = self._left(key, now)
        return 0 if left >= 1 else math.ceil((1 - left) / self._per_second)

    def take(self, key: str, now: float) -> None:
        """Count one."""
        left = self._left(key, now) - 1
        self._buckets[key] = _Bucket(max(0.0, left), now)
        self._buckets.move_to_end(key)
        while len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)

    def _left(self, key: str, now: float) -> float:
        bucket = self._buckets.get(key)
        if bucket is None:
            return float(self._burst)
        return min(float(self._burst), bucket.left + (now - bucket.at) * self._per_second)
