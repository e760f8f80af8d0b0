"""How often each of many may do something: a token bucket per key. Time is an argument."""

from collections import OrderedDict


class Allowances:
    """`burst` at once, then `per_s`, for each key.

    At most `most_keys` are remembered: the one that was seen least recently is forgotten first,
    as if it had never come.
    """

    def __init__(self, burst: int, per_s: float, most_keys: int = 10_000) -> None:
        self._burst = float(burst)
        self._per_s = per_s
        self._most_keys = most_keys
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def left(self, key: str, now: float) -> float:
        """How many more `key` may have at `now` (seconds, monotonic)."""
        known = self._left.get(key)
        if known is None:
            return self._burst
        self._left.move_to_end(key)
        left, at = known
        return min(self._burst, left + (now - at) * self._per_s)

    def take(self, key: str, now: float) -> None:
        """Counts one."""
        self._left[key] = (max(0.0, self.left(key, now) - 1), now)
        if len(self._left) > self._most_keys:
            self._left.popitem(last=False)

    def wait_s(self, key: str, now: float) -> int:
        """0 when one more is allowed now, else after how many whole seconds it is."""
        left = self.left(key, now)
        if left >= 1:
            return 0
        wait_ms = int((1 - left) * 1000 / self._per_s)
        return max(1, -(-wait_ms // 1000))
