"""Long work on an event loop, in turns with everything else that wants to run there.

A batch of a thousand facts takes tens of milliseconds to decode or redact. Done in one go, whoever
else lives on the loop stands still for as long. And with a turn each, one request of many steps (a
tool that a caller is waiting for) would wait for a turn of every batch in hand at every step: so
while a request is young, batches stand aside.

What is little work for one and comes for many at the same moment (a hundred sockets of a carrier
that went away) goes through a `Turnstile`.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, TypeVar

TURN_S: Final = 0.002
"""Shorter ones would starve long work: a turn of everybody else takes milliseconds under load."""
YOUNG_S: Final = 0.05
"""A request has precedence for so long: one that waits for somebody else must hold up no batch."""
T = TypeVar("T")


class Precedence:
    """Which requests of this process are young, and how long batches have stood aside for them.

    A batch that stood aside works at least as long before it does so again: however many requests
    come, batches get on at half their speed or more.
    """

    def __init__(self) -> None:
        self._young_until: dict[object, float] = {}
        self._aside: set[asyncio.Future[None]] = set()
        self._mine_until = 0.0

    @contextmanager
    def request(self) -> Iterator[None]:
        """Somebody is waiting until the block ends."""
        mark = object()
        self._young_until[mark] = time.monotonic() + YOUNG_S
        try:
            yield
        finally:
            del self._young_until[mark]
            for waiter in self._aside:
                if not waiter.done():
                    waiter.set_result(None)

    async def stand_aside(self) -> None:
        """Returns once no request is young, `YOUNG_S` later at most; at once when owed time."""
        began = now = time.monotonic()
        if not self._young_until or began < self._mine_until:
            return
        while (until := min(began + YOUNG_S, max(self._young_until.values(), default=0.0))) > now:
            await self._one_answered(until - now)
            now = time.monotonic()
        self._mine_until = now + (now - began)

    async def _one_answered(self, at_most_s: float) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._aside.add(waiter)
        try:
            await asyncio.wait({waiter}, timeout=at_most_s)
        finally:
            self._aside.discard(waiter)


PRECEDENCE: Final = Precedence()
"""Of this process: its buses share one event loop."""


async def in_turns(items: Iterable[T], turn_s: float = TURN_S) -> AsyncIterator[T]:
    """The items; after every `turn_s` seconds of work everybody else has a turn."""
    began = time.perf_counter()
    for item in items:
        yield item
        if time.perf_counter() - began > turn_s:
            await asyncio.sleep(0)
            await PRECEDENCE.stand_aside()
            began = time.perf_counter()


class Turnstile:
    """Lets through `at_once` in each turn of the event loop, in the order in which they came.

    Between two turns everybody else has one: however many come at the same moment, a call's next
    frame waits for `at_once` of them at most.
    """

    def __init__(self, at_once: int = 2) -> None:
        self._at_once = at_once
        self._passed = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def soon(self, work: Callable[[], None]) -> None:
        """Does the work: at once, or in one of the next turns when others were before it."""
        if self._waiting or self._passed >= self._at_once:
            self._waiting.append(work)
        else:
            self._pass(work)

    async def enter(self) -> None:
        """Returns when it is the caller's turn."""
        entered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.soon(partial(_let_in, entered))
        await entered

    def _pass(self, work: Callable[[], None]) -> None:
        if not self._passed:
            asyncio.get_running_loop().call_soon(self._next_turn)
        self._passed += 1
        work()

    def _next_turn(self) -> None:
        self._passed = 0
        for _ in range(min(self._at_once, len(self._waiting))):
            self._pass(self._waiting.popleft())


def _let_in(entered: "asyncio.Future[None]") -> None:
    if not entered.done():
        entered.set_result(None)
