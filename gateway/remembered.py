"""A small bounded memory with an expiry: what may be a few seconds old."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Answers of `ask`, kept for `seconds`, at most `most` of them; `now` is a monotonic clock.

    An answer of None is kept too: whoever guesses asks the source once. Failures are not kept.
    """

    def __init__(
        self,
        ask: Callable[[K], Awaitable[V]],
        *,
        seconds: float,
        most: int,
        now: Callable[[], float],
    ) -> None:
        self._ask = ask
        self._seconds = seconds
        self._most = most
        self._now = now
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()

    async def get(self, key: K) -> V:
        """The answer for `key`, asked again once it is too old."""
        kept = self._kept.get(key)
        if kept is not None and self._now() < kept[0]:
            return kept[1]
        answer = await self._ask(key)
        self._kept[key] = (self._now() + self._seconds, answer)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return answer
