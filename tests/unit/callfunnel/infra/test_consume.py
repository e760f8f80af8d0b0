"""The continuous pull in virtual time: a reader that is slow asks for no more than it may hold."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from callfunnel.infra.consume import MOST_BYTES, PullClient
from tests.simulators.virtual_time import run

AHEAD = 100


@dataclass
class Delivered:
    """A message of the stream, or a status."""

    data: bytes = b"x"
    headers: dict[str, str] | None = None
    reply: str = "$JS.ACK.RAW.reader.1.1.1.1.0"


@dataclass
class Subscribed:
    async def unsubscribe(self) -> None:
        """Nothing is left to do."""

    async def drain(self) -> None:
        """Nothing is on its way."""


@dataclass
class EndlessBus:
    """A durable with more messages than anyone can read; every request is served in full."""

    is_connected: bool = True
    stats: dict[str, int] = field(default_factory=lambda: {"reconnects": 0})
    asked: int = 0
    heard: Callable[[Any], Awaitable[None]] | None = None
    silent: bool = False
    size: int = 1

    def new_inbox(self) -> str:
        return "_INBOX.x"

    async def listen(self, _subject: str, heard: Any) -> Subscribed:
        self.heard = heard
        return Subscribed()

    async def publish(self, _subject: str, payload: bytes, _reply: str) -> None:
        wanted = json.loads(payload)["batch"]
        room = json.loads(payload)["max_bytes"]
        self.asked += wanted
        assert self.heard is not None
        if not self.silent:
            fits = min(wanted, room // self.size)
            for _ in range(fits):
                await self.heard(Delivered(b"x" * self.size))
            if fits < wanted:
                left = {"Status": "409", "Nats-Pending-Messages": str(wanted - fits)}
                await self.heard(Delivered(b"", {**left, "Description": "exceeds MaxBytes"}))


def pulling(bus: EndlessBus) -> PullClient:
    return PullClient(bus, "S", "d", ahead=AHEAD)  # type: ignore[arg-type]


def test_a_handler_that_takes_minutes_holds_no_more_than_was_asked_for_at_first() -> None:
    async def scenario() -> tuple[int, int]:
        bus = EndlessBus()
        reader = pulling(bus)
        await reader.start()
        await asyncio.sleep(300)
        held = len(reader.waiting)
        await reader.next_batch(10)
        return held, bus.asked

    held, asked = run(scenario())
    assert held == AHEAD
    assert asked <= AHEAD + 10


def test_what_was_taken_is_asked_for_again() -> None:
    async def scenario() -> int:
        bus = EndlessBus()
        reader = pulling(bus)
        await reader.start()
        for _ in range(50):
            assert len(await reader.next_batch(AHEAD // 2)) == AHEAD // 2
            assert len(reader.waiting) <= AHEAD
        return bus.asked

    assert run(scenario()) >= 50 * AHEAD // 2


def test_a_request_that_nobody_hears_is_asked_again() -> None:
    async def scenario() -> list[Any]:
        bus = EndlessBus(silent=True)
        reader = pulling(bus)
        await reader.start()
        bus.silent = False
        return await reader.next_batch(10)

    assert len(run(scenario())) == 10


def test_a_reader_that_starts_while_the_bus_comes_back_asks() -> None:
    async def scenario() -> list[Any]:
        bus = EndlessBus(is_connected=False)
        reader = pulling(bus)
        await reader.start()
        bus.is_connected = True
        bus.stats["reconnects"] += 1
        async with asyncio.timeout(60):
            return await reader.next_batch(10)

    assert len(run(scenario())) == 10


def test_large_messages_are_bounded_in_bytes_and_none_is_forgotten() -> None:
    async def scenario() -> int:
        bus = EndlessBus(size=900_000)
        reader = pulling(bus)
        await reader.start()
        most = 0
        for _ in range(200):
            most = max(most, sum(len(message.data) for message in reader.waiting))
            assert await reader.next_batch(3)
        return most

    assert 0 < run(scenario()) <= MOST_BYTES


def came_one_by_one(reader: PullClient, bus: EndlessBus, count: int) -> asyncio.Task[None]:
    """A message every ten milliseconds from now on."""

    async def coming() -> None:
        assert bus.heard is not None
        for _ in range(count):
            await asyncio.sleep(0.01)
            await bus.heard(Delivered())

    return asyncio.create_task(coming())


def test_who_is_not_in_a_hurry_waits_for_company_and_who_is_takes_what_there_is() -> None:
    async def scenario(gather_s: float) -> int:
        bus = EndlessBus(silent=True)
        reader = pulling(bus)
        await reader.start()
        coming = came_one_by_one(reader, bus, 4)
        batch = await reader.next_batch(AHEAD, gather_s=gather_s)
        await coming
        return len(batch)

    assert run(scenario(0.0)) == 1
    assert run(scenario(0.05)) == 4


def test_with_a_backlog_nobody_waits_for_company() -> None:
    async def scenario() -> float:
        bus = EndlessBus()
        reader = pulling(bus)
        await reader.start()
        began = asyncio.get_running_loop().time()
        assert len(await reader.next_batch(AHEAD, gather_s=0.05)) == AHEAD
        return asyncio.get_running_loop().time() - began

    assert run(scenario()) == 0


def test_what_was_given_back_while_gathering_is_no_batch() -> None:
    async def scenario() -> list[Any]:
        bus = EndlessBus(silent=True)
        reader = pulling(bus)
        await reader.start()
        coming = came_one_by_one(reader, bus, 1)
        taking = asyncio.create_task(reader.next_batch(AHEAD, gather_s=0.05))
        await coming
        reader.waiting.clear()
        await reader.stop()
        return await taking

    assert run(scenario()) == []
