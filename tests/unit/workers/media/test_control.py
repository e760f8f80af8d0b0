"""What the desk answers to a gateway that wants a slot."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from callfunnel.domain.call import CallSpec, Channel
from callfunnel.domain.errors import Temporary
from callfunnel.domain.ids import TenantId
from callfunnel.domain.rulebook import PublishedRulebook
from callfunnel.events.envelope import Envelope
from callfunnel.events.requests import ReleaseSlot, Reserved, ReserveSlot
from callfunnel.infra.bus import Received
from callfunnel.infra.secrets import SecretMissing
from tests.simulators import virtual_time
from tests.simulators.room import AUTH_TOKEN, CALL, TENANT, WORKER, rulebook, spec
from workers.media.control import Desk
from workers.media.slots import Slots

BOOK = PublishedRulebook(version=3, digest="d", published_at="", rulebook=rulebook())


class FakeRegistry:
    """`holds` the lease; has the rule book, none, or no answer."""

    def __init__(self) -> None:
        self.holds = True
        self.epoch = 7
        self.touched = 0
        self.book: PublishedRulebook | Exception | None = BOOK
        self.on_read: Any = None

    async def rulebook(self, *_which: object) -> PublishedRulebook | None:
        if self.on_read is not None:
            self.on_read()
        if isinstance(self.book, Exception):
            raise self.book
        return self.book

    def touch(self) -> None:
        self.touched += 1


class FakeSecrets:
    def __init__(self, **secret: str) -> None:
        self.secret = secret

    async def get(self, tenant: TenantId, path: str) -> dict[str, str]:
        if not self.secret:
            raise SecretMissing(tenant, path)
        return self.secret


class Room:
    """A desk and everything it asks."""

    def __init__(self, **secret: str) -> None:
        self.slots = Slots(1)
        self.registry = FakeRegistry()
        self.trouble = ""
        secrets: Any = FakeSecrets(**(secret or {"auth_token": AUTH_TOKEN}))
        registry: Any = self.registry
        self.desk = Desk(self.slots, registry, secrets, self, 30)

    async def reserve(self, wanted: CallSpec | None = None, tenant: str = TENANT) -> Reserved:
        envelope = Envelope(id="m", tenant=TenantId(tenant), key=WORKER, time="")
        asked = ReserveSlot(spec=wanted or spec())
        return await self.desk.reserve(Received(envelope, asked, 1))


async def test_a_reservation_has_a_token_that_opens_it_and_the_workers_epoch() -> None:
    room = Room()
    reserved = await room.reserve()
    assert (reserved.ok, reserved.epoch, reserved.expires_s) == (True, 7, 30)
    assert len(reserved.token) >= 32
    found = room.slots.peek(reserved.token, 0.0)
    assert found is not None
    assert (found.secret, found.rulebook, found.epoch) == (AUTH_TOKEN, BOOK, 7)
    assert room.registry.touched == 1


async def test_every_reason_not_to_take_a_call_has_its_word() -> None:
    assert (await Room().reserve(tenant="other")).reason == "invalid"
    unleased, full, nothing, silent, drained = Room(), Room(), Room(), Room(), Room()
    unleased.registry.holds = False
    assert (await unleased.reserve()).reason == "unleased"
    full.trouble = "its disk has 3 MB left"
    assert (await full.reserve()).reason == "spool"
    nothing.registry.book = None
    assert (await nothing.reserve()).reason == "no rule book"
    silent.registry.book = Temporary("the bus does not answer")
    assert (await silent.reserve()).reason == "unprepared"
    drained.slots.closed = "draining"
    assert (await drained.reserve()).reason == "draining"


async def test_a_carriers_call_without_a_signing_key_is_refused_and_a_browsers_is_not() -> None:
    room = Room()
    room.desk._secrets = FakeSecrets()  # type: ignore[assignment]
    assert (await room.reserve()).reason == "unprepared"
    assert (await room.reserve(spec(channel=Channel.BROWSER))).ok


async def test_the_last_slot_is_not_given_twice_while_one_request_waits() -> None:
    room = Room()
    other = spec(call="c_" + "b" * 26)

    def meanwhile() -> None:
        room.registry.on_read = None
        coroutine = room.reserve(other)
        with pytest.raises(StopIteration) as answered:
            coroutine.send(None)
        assert answered.value.value.ok

    room.registry.on_read = meanwhile
    assert (await room.reserve()).reason == "full"
    assert room.slots.used == 1


async def test_a_reservation_is_given_back_once() -> None:
    room = Room()
    await room.reserve()
    envelope = Envelope(id="m", tenant=TENANT, key=WORKER, time="")
    asked = Received(envelope, ReleaseSlot(call=CALL), 1)
    assert (await room.desk.release(asked)).ok
    again = await room.desk.release(asked)
    assert (again.ok, again.reason) == (False, "unknown")
    assert room.slots.used == 0


def test_of_many_slots_that_are_asked_for_at_once_a_few_are_given_in_each_turn() -> None:
    async def scenario() -> Counter[int]:
        room, in_turn = Room(), Counter[int]()
        room.slots = room.desk._slots = Slots(50)

        def count() -> None:
            in_turn[virtual_time.turn()] += 1

        room.registry.on_read = count
        wanted = (room.reserve(spec(call=f"call-{n}")) for n in range(50))
        assert all(reserved.ok for reserved in await asyncio.gather(*wanted))
        return in_turn

    in_turn = virtual_time.run(scenario())
    assert in_turn.total() == 50
    assert max(in_turn.values()) == 2
