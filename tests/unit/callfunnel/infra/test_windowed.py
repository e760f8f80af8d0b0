"""The windowed sender in virtual time, over a bus that loses, refuses, repeats and goes away."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callfunnel.infra.windowed import Outgoing, WindowedSender
from tests.simulators.virtual_time import run, turn

OK = json.dumps({"stream": "S", "seq": 1}).encode()
AGAIN = json.dumps({"stream": "S", "seq": 1, "duplicate": True}).encode()
FULL = json.dumps({"error": {"code": 400, "description": "maximum bytes exceeded"}}).encode()


@dataclass
class Answer:
    subject: str
    data: bytes
    headers: dict[str, str] | None = None


@dataclass
class Subscription:
    async def unsubscribe(self) -> None:
        """Nothing is left to do."""


@dataclass
class WildBus:
    """A stream that dedups by id, behind a wire that does its worst, as `dice` decides."""

    dice: random.Random
    stored: list[str] = field(default_factory=list)
    published_while_away: int = 0
    away_until: float = 0.0
    calm: bool = False
    _cb: Callable[[Answer], Awaitable[None]] | None = None

    @property
    def is_connected(self) -> bool:
        return asyncio.get_running_loop().time() >= self.away_until

    def new_inbox(self) -> str:
        return "_INBOX.x"

    async def listen(
        self, subject: str, heard: Callable[[Answer], Awaitable[None]]
    ) -> Subscription:
        self._cb = heard
        return Subscription()

    async def publish(
        self, subject: str, payload: bytes, reply: str, headers: dict[str, str] | None
    ) -> None:
        loop = asyncio.get_running_loop()
        self.published_while_away += not self.is_connected
        fate = 1.0 if self.calm else self.dice.random()
        if fate < 0.1:
            raise ConnectionError("buffer full")
        if fate < 0.15:
            self.away_until = loop.time() + self.dice.random() * 5
            return None
        if fate < 0.25:
            return None  # lost on its way there
        if fate < 0.3:
            return self._answer(reply, FULL)
        if fate < 0.33:
            return self._answer(reply, b"", {"Status": "503"})
        identity = (headers or {})["Nats-Msg-Id"]
        known = identity in self.stored
        if not known:
            self.stored.append(identity)
        if fate < 0.45:
            return None  # stored, and the answer is lost
        if fate < 0.5:  # the answer comes twice
            self._answer(reply, AGAIN if known else OK)
        return self._answer(reply, AGAIN if known else OK)

    def _answer(self, reply: str, data: bytes, headers: dict[str, str] | None = None) -> None:
        async def deliver() -> None:
            assert self._cb is not None
            await asyncio.sleep(self.dice.random() * (0.01 if self.calm else 3))
            await self._cb(Answer(reply, data, headers))

        task = asyncio.ensure_future(deliver())
        self.answers.add(task)
        task.add_done_callback(self.answers.discard)

    answers: set[asyncio.Task[None]] = field(default_factory=set)


async def drained(sender: WindowedSender) -> None:
    """Lets virtual seconds pass until everything is stored, ten minutes at most."""
    for _ in range(600):
        if not sender.pending:
            return
        await asyncio.sleep(1)
    raise AssertionError(f"{sender.pending} messages are still not stored")


@given(seed=st.integers(0, 2**32), count=st.integers(1, 120), window=st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_every_message_is_stored_once_and_reported_once_whatever_the_bus_does(
    seed: int, count: int, window: int
) -> None:
    run(_storm(seed, count, window))


async def _storm(seed: int, count: int, window: int) -> None:
    bus = WildBus(random.Random(seed))
    acked: list[str] = []
    sender = WindowedSender(bus, lambda message: acked.append(message.id), window=window)
    await sender.start()
    for n in range(count):
        sender.put(Outgoing(n, f"id-{n}", "s", {}, b"x"))
        if n % 7 == 0:
            await asyncio.sleep(0.1)
        assert len(sender._flight) <= window
    await asyncio.sleep(20)
    bus.calm, bus.away_until = True, 0.0
    await drained(sender)

    assert sorted(acked) == sorted(f"id-{n}" for n in range(count))
    assert sorted(bus.stored) == sorted(f"id-{n}" for n in range(count))
    assert bus.published_while_away == 0
    await asyncio.sleep(10)  # late answers to earlier tries change nothing
    assert len(acked) == count
    await sender.stop()


def test_a_quiet_bus_gets_them_in_order_and_nothing_twice() -> None:
    async def quiet() -> None:
        bus = WildBus(random.Random(1), calm=True)
        acked: list[str] = []
        sender = WindowedSender(bus, lambda message: acked.append(message.id), window=4)
        await sender.start()
        for n in range(50):
            sender.put(Outgoing(n, f"id-{n}", "s", {}, b"x"))
        await drained(sender)
        assert bus.stored == [f"id-{n}" for n in range(50)]
        assert (sender.stats.resent, sender.stats.duplicates) == (0, 0)
        await sender.stop()

    run(quiet())


def test_a_window_that_opens_as_a_whole_is_filled_in_pieces() -> None:
    async def filled() -> Counter[int]:
        bus = WildBus(random.Random(1), calm=True)
        in_turn: Counter[int] = Counter()
        publish = bus.publish

        async def counted(*message: Any) -> None:
            in_turn[turn()] += 1
            await publish(*message)

        bus.publish = counted  # type: ignore[method-assign]
        sender = WindowedSender(bus, lambda message: None)
        await sender.start()
        for n in range(256):
            sender.put(Outgoing(n, f"id-{n}", "s", {}, b"x"))
        await drained(sender)
        await sender.stop()
        return in_turn

    in_turn = run(filled())
    assert in_turn.total() == 256
    assert max(in_turn.values()) == 32


def test_what_is_withdrawn_is_sent_no_more() -> None:
    async def withdrawn() -> None:
        bus = WildBus(random.Random(1), away_until=1e9)
        acked: list[str] = []
        sender = WindowedSender(bus, lambda message: acked.append(message.id))
        await sender.start()
        for n in range(10):
            sender.put(Outgoing(n, f"id-{n}", "s", {}, b"x"))
        sender.withdraw(frozenset({3, 4}))
        bus.calm, bus.away_until = True, 0.0
        await drained(sender)
        assert set(bus.stored) == {f"id-{n}" for n in range(10)} - {"id-3", "id-4"}
        await sender.stop()

    run(withdrawn())


def test_a_full_stream_is_asked_a_few_times_a_second_and_everything_goes_once_it_has_room() -> None:
    async def full_for_a_minute() -> tuple[int, int]:
        bus = FullBus()
        sender = WindowedSender(bus, lambda message: None)
        await sender.start()
        for n in range(5000):
            sender.put(Outgoing(n, f"id-{n}", "s", {}, b"1234"))
        await asyncio.sleep(60)
        asked, held = bus.asked, sender.pending_bytes
        bus.full = False
        await drained(sender)
        assert len(bus.stored) == 5000
        assert sender.pending_bytes == 0
        await sender.stop()
        return asked, held

    asked, held = run(full_for_a_minute())
    assert asked <= 256 + 60 * 5
    assert held == 5000 * 4


@dataclass
class FullBus(WildBus):
    """Refuses everything while it is full."""

    dice: random.Random = field(default_factory=lambda: random.Random(1))
    calm: bool = True
    full: bool = True
    asked: int = 0

    async def publish(
        self, subject: str, payload: bytes, reply: str, headers: dict[str, str] | None
    ) -> None:
        self.asked += 1
        if self.full:
            return self._answer(reply, FULL)
        return await super().publish(subject, payload, reply, headers)


@pytest.mark.parametrize("garbage", [b"", b"null", b"[]", b'{"seq": 1}', b"\xff"])
def test_an_answer_that_is_no_acknowledgement_is_none(garbage: bytes) -> None:
    async def answered() -> None:
        bus = WildBus(random.Random(1), calm=True)
        sender = WindowedSender(bus, lambda message: None)
        ack = sender._read(Answer("x", garbage))
        assert ack.error is not None

    run(answered())
