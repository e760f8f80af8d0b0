"""Open streams of events: counted by tenant and in all; a slow reader pulls nothing ahead."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from callfunnel.domain.ids import TenantId
from callfunnel.events.call import KeyPressed
from callfunnel.events.envelope import Envelope, Event
from gateway.feed import Feeds
from gateway.problems import ProblemError
from gateway.streams import Streams
from tests.simulators.virtual_time import run

ACME, OTHER, THIRD = TenantId("acme"), TenantId("other"), TenantId("third")


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

        async def timeline(*_: Any) -> list[Any]:
            return []

        feed = Feeds(bus, timeline).tenant(ACME, 0, asyncio.get_running_loop().time() + 3600)
        for _ in range(5):
            await anext(feed)
        await asyncio.sleep(1800)
        taken = bus.taken
        await feed.aclose()
        return taken

    assert run(scenario()) <= 5
