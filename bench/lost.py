"""How fast the calls of a media worker that vanished are ended: by the reaper, which has no backlog
of messages but one of pins and slots.

The calls are in full swing: pinned, with a slot each, facts, usage and audio on the bus. Counted
are slots, for a slot is freed last, from the first to the last.
"""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Iterable

import msgspec

from bench import behind, traffic
from bench.harness.run import Run
from callfunnel.domain.call import CallSpec, Channel, Direction, Pin, SlotHolder
from callfunnel.domain.ids import CallId, WorkerId
from callfunnel.events.streams import PINS, SLOTS
from callfunnel.infra.bus import Bus
from callfunnel.infra.kv import Entry
from callfunnel.infra.mirror import Mirror
from callfunnel.local.private_stack import PrivateStack
from tests.simulators.made_up_call import TRACE
from tests.simulators.waiting import until

_WORKER = WorkerId("media-9")
_EPOCH = 3
_TENANTS = 10
_AT_ONCE = 100
_SEGMENTS = 3
_LIMIT_S = 120.0


def measure(run: Run) -> None:
    """`--calls`: how many were on the line."""
    count = int(run.option("calls", 1000, quick=20))
    with behind.services() as (stack, core):
        asyncio.run(_taken(stack, count))
        with behind.serving(stack, core, "reaper", *behind.alone("reaper")) as service:
            rate, each_ms = asyncio.run(_ended(stack, service))
    run.figure("calls of a vanished worker: ended", rate, "calls/s")
    run.figure("calls of a vanished worker: the last of a thousand waits", 1000 / rate, "s")
    run.figure("calls of a vanished worker: processor time each", each_ms, "ms")


async def _taken(stack: PrivateStack, count: int) -> None:
    """What is on the bus when the worker vanishes."""
    calls = traffic.calls(count * 45, _TENANTS)[:count]
    conductor = await behind.bus_of(stack, "conductor")
    await _in_groups(_pinned(conductor, n, call) for n, call in enumerate(calls))
    await conductor.stop()
    media = await behind.bus_of(stack, "media")
    await behind.publish(media, [fact for call in calls for fact in call.facts[:-1]], raw=True)
    await behind.publish(media, [used for call in calls for used in call.usage])
    await behind.publish(media, [one for call in calls for one in call.segments(_SEGMENTS)])
    await media.stop()


async def _in_groups(writes: Iterable[Awaitable[None]]) -> None:
    left = iter(writes)
    while group := list(itertools.islice(left, _AT_ONCE)):
        await asyncio.gather(*group)


async def _pinned(bus: Bus, n: int, call: traffic.Call) -> None:
    slot, carrier_call = f"{call.tenant}.{n // _TENANTS}", f"CA{n:032x}"
    holder = SlotHolder(call=CallId(call.call), worker=_WORKER, epoch=_EPOCH)
    revision = await bus.kv(SLOTS.name).create(slot, msgspec.json.encode(holder))
    spec = CallSpec(
        tenant=call.tenant,
        call=CallId(call.call),
        channel=Channel.TWILIO,
        direction=Direction.INBOUND,
        carrier_call_id=carrier_call,
        caller="+15550102345",
        callee="+15550100001",
        agent="home-internet",
        rulebook_version=1,
        offered_at="2026-01-01T00:00:00.000000Z",
        slot=slot,
        slot_revision=revision or 0,
        traceparent=TRACE,
    )
    pin = Pin(
        tenant=call.tenant,
        call=spec.call,
        worker=_WORKER,
        epoch=_EPOCH,
        token=carrier_call,
        media_path=f"/media/{_WORKER}/t",
        spec=spec,
    )
    await bus.kv(PINS.name).create(f"twilio-{carrier_call}", msgspec.json.encode(pin))


async def _ended(stack: PrivateStack, service: behind.Service) -> tuple[float, float]:
    """Calls a second, and milliseconds of processor time for each."""
    boss = await behind.bus_of(stack, behind.SUPERVISOR)
    freed: list[tuple[float, float]] = []

    def changed(_key: str, entry: Entry | None) -> None:
        if entry is None:
            freed.append((time.monotonic(), service.cpu_s))

    slots = Mirror(boss.client, SLOTS.name, changed)
    await slots.start()
    await until(lambda: not slots.entries, "the reaper frees every slot", _LIMIT_S)
    await slots.stop()
    await boss.stop()
    (began, before), (ended, after), ends = freed[0], freed[-1], len(freed) - 1
    return ends / (ended - began), (after - before) / ends * 1e3
