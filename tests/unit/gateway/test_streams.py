"""Open streams of events: counted by tenant and in all; a slow reader pulls nothing ahead."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from callfunnel.domain.ids import CallId, TenantId
from callfunnel.events.call import KeyPressed
from callfunnel.events.envelope import Envelope, Event
from gateway.feed import Feeds
from gateway.ordering import CallFact, Ordering
from gateway.problems import ProblemError
from gateway.streams import Streams
from tests.simulators.virtual_time import run, turn

ACME, OTHER, THIRD = TenantId("acme"), TenantId("other"), TenantId("third")


async def no_facts(*_: Any) -> list[CallFact]:
    return []


async def endless() -> AsyncGenerator[bytes, None]:
    while True:
        yield b"x"


async def test_a_tenant_and_all_together_may_have_so_many_and_closing_one_makes_room() -> None:
    streams = Streams(per_tenant=2, in_all=3)
    bodies = []
    for tenant in (ACME, ACME, OTHER):
        streams.enter(tenant)
        bodies.append(streams.counted(tenant, endless()))
        await anext(bodies[-1])
    for tenant in (ACME, THIRD):
        with pytest.raises(ProblemError) as raised:
            streams.enter(tenant)
        assert raised.value.kind.status == 429
    await bodies[0].aclose()  # type: ignore[attr-defined]  # what a server does with it
    streams.enter(ACME)
    assert streams.open == 2


def test_of_many_that_ask_at_once_no_more_are_let_in_than_may_be_open() -> None:
    streams = Streams(per_tenant=2, in_all=3)
    for tenant in (ACME, ACME, OTHER):
        streams.enter(tenant)
    for tenant in (ACME, THIRD):
        with pytest.raises(ProblemError, match="Too many open streams"):
            streams.enter(tenant)


def test_who_was_let_in_and_went_away_before_the_first_line_keeps_nobody_out() -> None:
    now = 0.0
    streams = Streams(per_tenant=1, in_all=1, now=lambda: now)
    streams.enter(ACME)
    now = 6.0
    streams.enter(ACME)


class Firehose:
    """A bus with more facts than anyone reads; counts how many were taken from it."""

    taken = 0

    async def position(self, stream: str) -> int:
        return 0

    async def follow(
        self, stream: str, *subjects: str, after: int | None = None
    ) -> AsyncIterator[tuple[int, Event[Any]]]:
        while True:
            self.taken += 1
            envelope = Envelope(id=f"c-{self.taken}", tenant=ACME, key="c", time="", seq=self.taken)
            yield self.taken, Event(envelope, KeyPressed(digit="1", at_ms=0))


def test_a_reader_that_does_not_read_leaves_the_facts_on_the_bus() -> None:
    async def scenario() -> int:
        bus = Firehose()
        feed = Feeds(bus, no_facts).tenant(ACME, 0, asyncio.get_running_loop().time() + 3600)
        for _ in range(5):
            await anext(feed)
        await asyncio.sleep(1800)
        taken = bus.taken
        await feed.aclose()
        return taken

    assert run(scenario()) <= 5


class Silence:
    """A bus on which nothing happens; counts the readers let go in each turn of the loop."""

    def __init__(self) -> None:
        self.let_go: Counter[int] = Counter()

    async def position(self, stream: str) -> int:
        return 0

    async def follow(
        self, stream: str, *subjects: str, after: int | None = None
    ) -> AsyncIterator[tuple[int, Event[Any]]]:
        try:
            await asyncio.sleep(3600)
            yield 0, Event(Envelope(id="", tenant=ACME, key="c", time=""), KeyPressed("1", 0))
        finally:
            self.let_go[turn()] += 1


def test_of_many_readers_a_few_are_let_go_in_each_turn_for_audio_is_relayed_beside() -> None:
    async def scenario() -> Counter[int]:
        bus = Silence()
        feeds = Feeds(bus, no_facts)

        async def read() -> None:
            async for _ in feeds.tenant(ACME, 0, asyncio.get_running_loop().time() + 3600):
                pass

        readers = [asyncio.create_task(read()) for _ in range(50)]
        await asyncio.sleep(1)
        feeds.close()
        await asyncio.gather(*readers)
        return bus.let_go

    let_go = run(scenario())
    assert let_go.total() == 50
    assert max(let_go.values()) == 2


def test_between_the_facts_of_a_long_call_everybody_else_has_a_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticking = itertools.count(0.0, 0.0005)
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticking))
    facts = [CallFact(f"c-{n}", n, "callfunnel.call.key_pressed.v1", "", {}) for n in range(1, 101)]

    async def timeline(*_: Any) -> list[CallFact]:
        return facts

    async def scenario() -> Counter[int]:
        sent: Counter[int] = Counter()
        feed = Feeds(Silence(), timeline).call(
            ACME, CallId("c"), Ordering("c"), asyncio.get_running_loop().time() + 3600
        )
        async for _ in feed:
            sent[turn()] += 1
            if sent.total() == len(facts):
                break
        await feed.aclose()
        return sent

    assert max(run(scenario()).values()) < 10
