"""A small bounded memory with an expiry: what may be a few seconds old."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from callfunnel.domain.errors import Temporary

K = TypeVar("K")
V = TypeVar("V")
_SECOND_THOUGHT_S = 1.0


class _Kept(NamedTuple, Generic[V]):
    """An answer, when it was given, and when to ask anew."""

    answer: V
    at: float
    fresh_until: float


class Remembered(Generic[K, V]):
    """Answers of `ask`, kept for `seconds`, at most `most` of them; `now` is a monotonic clock.

    An answer of None is kept too, as many of them in a place of their own: whoever guesses asks the
    source once, and makes it forget other guesses alone. Failures are not kept.
    While the source is away an answer of up to `stale_s` seconds ago still counts. Those who want
    the same answer at once share one question, and its failure.
    """

    def __init__(
        self,
        ask: Callable[[K], Awaitable[V]],
        *,
        seconds: float,
        most: int,
        now: Callable[[], float],
        stale_s: float = 0.0,
    ) -> None:
        self._ask = ask
        self._seconds = seconds
        self._most = most
        self._now = now
        self._stale_s = stale_s
        self._kept: OrderedDict[K, _Kept[V]] = OrderedDict()
        self._nothing: OrderedDict[K, _Kept[V]] = OrderedDict()
        self._asking: dict[K, asyncio.Future[V]] = {}

    async def get(self, key: K) -> V:
        """The answer for `key`, asked again once it is too old."""
        kept = self._kept.get(key) or self._nothing.get(key)
        if kept is not None and self._now() < kept.fresh_until:
            return kept.answer
        if kept is not None and self._now() < kept.at + self._stale_s:
            return await self._unless_away(key, kept)
        return self._keep(key, await self._answer(key), self._now())

    async def _unless_away(self, key: K, kept: _Kept[V]) -> V:
        """The source has a moment to say otherwise; else it is left alone for a while."""
        try:
            async with asyncio.timeout(_SECOND_THOUGHT_S):
                answer = await self._answer(key)
        except (Temporary, TimeoutError):
            return self._keep(key, kept.answer, kept.at)
        return self._keep(key, answer, self._now())

    async def _answer(self, key: K) -> V:
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.ensure_future(self._ask(key))
            asking.add_done_callback(lambda answered: self._told(key, answered))
        return await asyncio.shield(asking)

    def _told(self, key: K, answered: asyncio.Future[V]) -> None:
        del self._asking[key]
        if not answered.cancelled():
            answered.exception()  # whoever wanted it may have gone

    def _keep(self, key: K, answer: V, at: float) -> V:
        place, other = self._kept, self._nothing
        if answer is None:
            place, other = other, place
        other.pop(key, None)
        place[key] = _Kept(answer, at, self._now() + self._seconds)
        place.move_to_end(key)
        if len(place) > self._most:
            place.popitem(last=False)
        return answer
