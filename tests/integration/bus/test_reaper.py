"""The reaper on a real server: exactly one end per call, whoever vanished."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from nats.aio.client import Client

from callfunnel.domain.call import (
    Pin,
    PinState,
    SlotHolder,
)
from callfunnel.domain.ids import CallId, TenantId, WorkerId
from callfunnel.events.audio import AudioSegment
from callfunnel.events.call import CallAdmitted, CallConnected, CallEnded, CallPinned
from callfunnel.events.envelope import Event
from callfunnel.infra.bus import Bus, BusAccess, event
from callfunnel.infra.lease import Lease
from tests.integration.bus.nats_process import NatsProcess
from tests.simulators import room
from tests.simulators.waiting import until
from workers.conductor.reaper.handlers import Reaper
from workers.conductor.reaper.rules import Watch

DEMO = TenantId("demo")
CALL = CallId("c_1")
KEY = "twilio-CA1"


@pytest.fixture
async def reaper(bus: Bus) -> AsyncIterator[Reaper]:
    made = Reaper(bus, quick())
    await made.start()
    yield made
    await made.stop()


def quick() -> Watch:
    return Watch(grace_s=0.5, unpinned_s=1.0)


async def take_call(bus: Bus, epoch: int, worker: str = "media-1") -> None:
    """What gateway and worker leave behind when a call is placed and two facts are told."""
    holder = SlotHolder(call=CALL, worker=WorkerId(worker), epoch=epoch)
    revision = await bus.kv("cf_slots").create("demo.0", msgspec.json.encode(holder))
    spec = room.spec(
        tenant=DEMO,
        call=CALL,
        carrier_call_id="CA1",
        rulebook_version=1,
        offered_at="2026-01-01T00:00:00.000000Z",
        slot_revision=revision or 0,
    )
    pin = Pin(
        tenant=DEMO,
        call=CALL,
        worker=WorkerId(worker),
        epoch=epoch,
        token="t",
        media_path=f"/media/{worker}/t",
        spec=spec,
        state=PinState.PINNED if worker else PinState.REFUSED,
        cause="" if worker else "refused_busy",
    )
    await bus.kv("cf_pins").create(KEY, msgspec.json.encode(pin))


async def tell(bus: Bus, *facts: Any) -> None:
    told = [
        event(fact, DEMO, CALL, id=f"{CALL}-{seq}", seq=seq) for seq, fact in enumerate(facts, 2)
    ]
    await bus.publish(*told, raw=True)


async def lost_worker(bus: Bus) -> int:
    """A lease that nobody renews any more; its epoch."""
    lease = Lease(bus.kv("cf_workers"), "media-1", ttl_s=1, named=True)
    assert await lease.acquire(b"{}")
    return lease.epoch


async def ends(client: Client) -> list[Event[Any]]:
    """Every CallEnded on RAW."""
    stream = client.jetstream()
    state = (await stream.stream_info("RAW")).state
    found = []
    for sequence in range(state.first_seq, state.last_seq + 1) if state.messages else ():
        message = await stream.get_msg("RAW", sequence)
        if (message.headers or {})["ce-type"] == "callfunnel.call.ended.v1":
            found.append(msgspec.json.decode(message.data or b"", type=CallEnded))
    return found


def is_over(bus: Bus) -> Callable[[], Any]:
    async def over() -> bool:
        entry = await bus.kv("cf_pins").get(KEY)
        pinned = entry is None or msgspec.json.decode(entry.value, type=Pin).state != "ended"
        return not pinned and await bus.kv("cf_slots").get("demo.0") is None

    return over


async def test_the_call_of_a_vanished_worker_ends_once_and_frees_its_slot(
    bus: Bus, client: Client, reaper: Reaper
) -> None:
    epoch = await lost_worker(bus)
    await take_call(bus, epoch)
    await tell(
        bus,
        CallAdmitted(slot="demo.0", worker="media-1"),
        CallPinned(worker="media-1", epoch=epoch),
        CallConnected(codec="u-law", rulebook="rb", rulebook_version=1, recorded=True),
    )
    segment = AudioSegment(n=0, start=0, caller=bytes(8000), agent=bytes(8000))
    await bus.publish(event(segment, DEMO, CALL, id=f"{CALL}-a-0"))

    await until(is_over(bus), "the end")

    (end,) = await ends(client)
    assert (end.cause, end.by, end.last_seq) == ("worker_lost", "reaper", 4)
    assert (end.duration_ms, end.answered) == (1000, True)


async def test_two_reapers_at_once_tell_one_end(
    bus: Bus, client: Client, server: NatsProcess, reaper: Reaper
) -> None:
    other_bus = await Bus.open(BusAccess(url=server.url, name="other"))
    other = Reaper(other_bus, quick())
    await other.start()
    await take_call(bus, await lost_worker(bus))

    await until(is_over(bus), "the end")

    assert len(await ends(client)) == 1
    await other.stop()
    await other_bus.stop()


async def test_a_worker_that_comes_back_in_time_keeps_its_call(bus: Bus, client: Client) -> None:
    patient = Reaper(bus, Watch(grace_s=3))
    await patient.start()
    lease = Lease(bus.kv("cf_workers"), "media-1", ttl_s=1, named=True)
    assert await lease.acquire(b"{}")
    await take_call(bus, lease.epoch)

    async def expired() -> bool:
        return await bus.kv("cf_workers").get("media-1") is None

    await until(expired, "the loss of the lease")
    lease.ttl_s = 30
    assert await lease.renew(b"{}")
    await until(lambda: not patient._watch._since, "the reaper's second thought")

    assert await ends(client) == []
    await patient.stop()


async def test_a_successor_that_ended_the_call_itself_is_not_spoken_over(
    bus: Bus, client: Client, reaper: Reaper
) -> None:
    old = await lost_worker(bus)
    await take_call(bus, old)
    successor = Lease(bus.kv("cf_workers"), "media-1", ttl_s=6, named=True)
    assert await successor.acquire(b"{}")
    entry = await bus.kv("cf_pins").get(KEY)
    assert entry is not None
    pin = msgspec.json.decode(entry.value, type=Pin)
    over = msgspec.structs.replace(pin, state=PinState.ENDED, cause="worker_lost")
    assert await bus.kv("cf_pins").replace(KEY, msgspec.json.encode(over), entry.revision)

    await until(is_over(bus), "the slot freed")
    assert await ends(client) == []


async def test_an_end_on_the_bus_is_not_told_again_when_only_the_pin_was_left(
    bus: Bus, client: Client, reaper: Reaper
) -> None:
    epoch = await lost_worker(bus)
    end = CallEnded(
        cause="caller_hangup",  # type: ignore[arg-type]
        by="caller",  # type: ignore[arg-type]
        duration_ms=1,
        last_seq=1,
        segments=0,
        usage_records=0,
        answered=True,
    )
    await tell(bus, CallAdmitted(slot="demo.0", worker="media-1"), end)
    await take_call(bus, epoch)

    await until(is_over(bus), "the pin ended")
    (told,) = await ends(client)
    assert told.cause == "caller_hangup"


async def test_what_a_killed_reaper_had_begun_another_finishes(bus: Bus, client: Client) -> None:
    await take_call(bus, await lost_worker(bus))
    entry = await bus.kv("cf_pins").get(KEY)
    assert entry is not None
    pin = msgspec.json.decode(entry.value, type=Pin)
    begun = msgspec.json.encode(msgspec.structs.replace(pin, state=PinState.REAPING))
    assert await bus.kv("cf_pins").replace(KEY, begun, entry.revision)
    heir = Reaper(bus, quick())
    await heir.start()

    await until(is_over(bus), "the end")
    assert len(await ends(client)) == 1
    await heir.stop()


async def test_an_outage_of_the_bus_kills_no_call_of_a_living_worker(
    bus: Bus, client: Client, server: NatsProcess
) -> None:
    patient = Reaper(bus, Watch(grace_s=3))
    await patient.start()
    lease = Lease(bus.kv("cf_workers"), "media-1", ttl_s=1, named=True)
    assert await lease.acquire(b"{}")
    await take_call(bus, lease.epoch)
    server.kill()
    server.start()
    await until(lambda: bus.client.stats["reconnects"] > 0, "the reconnect")

    async def gone() -> bool:
        return await bus.kv("cf_workers").get("media-1") is None

    await until(gone, "the expiry of what nobody could renew")
    lease.ttl_s = 30
    assert await lease.renew(b"{}")
    await until(lambda: patient._mirrors["cf_workers"].interruptions > 0, "the new view")
    await until(lambda: "media-1" in patient._mirrors["cf_workers"].entries, "the worker")
    assert await ends(client) == []
    await patient.stop()


async def test_the_slot_of_a_gateway_that_died_before_the_pin_is_freed(
    bus: Bus, client: Client, reaper: Reaper
) -> None:
    lease = Lease(bus.kv("cf_workers"), "media-1", ttl_s=30, named=True)
    assert await lease.acquire(b"{}")
    holder = SlotHolder(call=CALL, worker=WorkerId("media-1"), epoch=lease.epoch)
    await bus.kv("cf_slots").create("demo.0", msgspec.json.encode(holder))

    async def free() -> bool:
        return await bus.kv("cf_slots").get("demo.0") is None

    await until(free, "the slot")
    assert await ends(client) == []


async def test_a_refusal_that_nobody_told_is_told(bus: Bus, client: Client, reaper: Reaper) -> None:
    await take_call(bus, 0, worker="")

    await until(is_over(bus), "the end")
    (end,) = await ends(client)
    assert (end.cause, end.last_seq) == ("refused_busy", 2)


async def test_an_unreadable_pin_stops_nobody_else_s_end(
    bus: Bus, client: Client, reaper: Reaper
) -> None:
    await bus.kv("cf_pins").create("twilio-broken", b"{")
    await take_call(bus, await lost_worker(bus))

    await until(is_over(bus), "the end of the readable one")
    assert len(await asyncio.gather(ends(client))) == 1
