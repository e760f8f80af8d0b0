"""Rate limits: a token bucket per key, in memory, bounded. Pure: the clock is an argument."""

from collections import OrderedDict
from typing import NamedTuple


class Verdict(NamedTuple):
    """Whether one request may pass, and what the RateLimit headers say about the next ones."""

    allowed: bool
    remaining: int
    retry_after_s: int


class RateLimit(NamedTuple):
    """`quota` requests in `window_s` seconds, refilled evenly."""

    name: str
    quota: int
    window_s: int

    def headers(self, verdict: Verdict) -> dict[str, str]:
        """RateLimit fields for HTTP (IETF httpapi draft)."""
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.quota};w={self.window_s}',
            "RateLimit": f'"{self.name}";r={verdict.remaining};t={verdict.retry_after_s}',
        } | ({} if verdict.allowed else {"Retry-After": str(verdict.retry_after_s)})


class Limiter:
    """Buckets per key. The key that was used least recently is forgotten first, as if full."""

    def __init__(self, limit: RateLimit, most_keys: int = 10_000) -> None:
        self.limit = limit
        self._most_keys = most_keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now: float) -> Verdict:
        """Counts one request of `key` at `now` (seconds, monotonic)."""
        quota, per_s = self.limit.quota, self.limit.quota / self.limit.window_s
        level, at = self._buckets.pop(key, (float(quota), now))
        level = min(quota, level + (now - at) * per_s)
        allowed = level >= 1
        level -= allowed
        self._buckets[key] = (level, now)
        if len(self._buckets) > self._most_keys:
            self._buckets.popitem(last=False)
        wait = 0 if level >= 1 else max(1, -(-int((1 - level) * 1000 / per_s) // 1000))
        return Verdict(allowed, int(level), wait)
