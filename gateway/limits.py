"""Rate limits of the API, and what its answers say about them. Pure: the clock is an argument."""

from typing import NamedTuple

from callfunnel.domain.allowances import Allowances


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
    """The budget of each key."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self._allowances = Allowances(limit.quota, limit.quota / limit.window_s)

    def take(self, key: str, now: float) -> Verdict:
        """Counts one request of `key` at `now` (seconds, monotonic), if it may pass."""
        allowances = self._allowances
        allowed = allowances.left(key, now) >= 1
        if allowed:
            allowances.take(key, now)
        return Verdict(allowed, int(allowances.left(key, now)), allowances.wait_s(key, now))
