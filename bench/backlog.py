"""How fast each consumer works off what gathered during an outage.

The backlog is on the bus before the consumer starts: facts of whole calls, `bench.traffic`. The
consumer is a process of its own on a core of its own; NATS, Postgres and whoever watches share the
other. Counted from the first batch that is acknowledged to the last: acknowledged is committed.

Here is every durable there is. What else works something off after an outage has a bench of its
own: recordings read their audio call by call (`segments`), the reaper ends calls whose worker is
gone (`lost`), feeds follow a tenant's facts (`feed`). Tools, approvals and rule books answer
requests, of which none is kept (`patience`).
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench import behind, traffic
from bench.harness.figures import Plot
from bench.harness.processes import Child
from bench.harness.run import Run
from callfunnel.events.envelope import Event
from callfunnel.events.settled import CallRated, RecordingStored, TimelineCompleted
from callfunnel.local.private_stack import PrivateStack

REACH = "> 10,000"
MANY = 1000
_FEW = 10
_LIMIT_S = 120.0
_GROWTH = Plot(
    name="backlog",
    title="Working off a backlog",
    x="tenants",
    y="messages/s",
    grows="flat",
)
Told = list[tuple[str, Sequence[Event[Any]]]]
"""Who publishes what."""


@dataclass(frozen=True)
class Consumer:
    """A durable, the stream it reads, the feature that hosts it, and what waits for it."""

    durable: str
    stream: str
    feature: str
    waiting: Callable[[int, int], Told]


def measure(run: Run) -> None:
    """Every consumer at ten tenants; what grows, also at a thousand and with two processes.

    Each begins with an empty stack; `--quick`: one for all, and nothing grows.
    """
    count = int(run.option("count", 100_000, quick=3000))
    if run.quick:
        with behind.services() as place:
            for each in CONSUMERS:
                _figure(run, place, each, (count, _FEW))
        return
    for each in CONSUMERS:
        with behind.services() as place:
            _figure(run, place, each, (count, _FEW))
    for each in CONSUMERS:
        if each.durable in ("redaction", "timeline", "metering"):
            with behind.services() as place:
                _figure(run, place, each, (count, MANY))
            with behind.services() as place:
                _figure(run, place, each, (count, _FEW), processes=2)


def feed(run: Run) -> None:
    """One reader of a tenant's feed who begins with the oldest fact."""
    count = int(run.option("count", 100_000, quick=3000))
    with behind.services() as (stack, core):
        told = _facts("persistence")(count, 1)
        asyncio.run(_published(stack, told, "CALLS"))
        words = (traffic.tenants(1)[0], str(count))
        env = stack.environment("gateway")
        with Child("bench.feeding", *words, core=core, env=env) as reader:
            seen = reader.heard()
    run.figure("a tenant's feed: backlog", seen["rate"], "messages/s", reach=REACH)
    run.figure("a tenant's feed: processor time each", seen["each_us"], "us")


def _figure(
    run: Run,
    place: tuple[PrivateStack, int],
    each: Consumer,
    size: tuple[int, int],
    *,
    processes: int = 1,
) -> None:
    """`place`: a stack and the core of the consumer; `size`: messages, and tenants they are of."""
    stack, core = place
    rate, each_us = asyncio.run(_drained(stack, each, size, [core] * processes))
    _, tenants = size
    many = f", {tenants:,} tenants" if tenants != _FEW else ""
    two = f", {processes} processes on the one core" if processes > 1 else ""
    name = f"{each.durable}{many}{two}"
    run.figure(f"{name}: backlog", rate, "messages/s", reach=REACH)
    run.figure(f"{name}: processor time each", each_us, "us")
    if processes == 1:
        run.point(_GROWTH, tenants, rate, each.durable)


async def _drained(
    stack: PrivateStack, each: Consumer, size: tuple[int, int], cores: Sequence[int]
) -> tuple[float, float]:
    """Messages a second, and microseconds of processor time for each."""
    last = await _published(stack, each.waiting(*size), each.stream)
    boss = await behind.bus_of(stack, behind.SUPERVISOR)
    with _running(stack, each.feature, cores) as services:
        began, done, used = time.monotonic(), 0, 0.0
        deadline = began + _LIMIT_S
        while (at := await behind.handled(boss.client, each.stream, each.durable)) < last:
            if not done and at:
                began, done, used = time.monotonic(), at, sum(one.cpu_s for one in services)
            behind.until(deadline, each.durable)
            await asyncio.sleep(0.01)
        took = time.monotonic() - began
        spent = sum(one.cpu_s for one in services) - used
    await boss.stop()
    return (last - done) / took, spent / (last - done) * 1e6


async def _published(stack: PrivateStack, told: Told, stream: str) -> int:
    """The sequence of the last message that waits."""
    for role, events in told:
        bus = await behind.bus_of(stack, role)
        await behind.publish(bus, events, raw=stream == "RAW")
        await bus.stop()
    boss = await behind.bus_of(stack, behind.SUPERVISOR)
    last = await boss.position(stream)
    await boss.stop()
    return last


@contextlib.contextmanager
def _running(
    stack: PrivateStack, feature: str, cores: Sequence[int]
) -> Iterator[list[behind.Service]]:
    with contextlib.ExitStack() as running:
        yield [
            running.enter_context(
                behind.serving(stack, core, f"{feature}-{n}", *behind.alone(feature))
            )
            for n, core in enumerate(cores)
        ]


def _facts(role: str) -> Callable[[int, int], Told]:
    def told(count: int, tenants: int) -> Told:
        calls = traffic.calls(count, tenants)
        return [(role, traffic.interleaved([call.facts for call in calls])[:count])]

    return told


def _usage(count: int, tenants: int) -> Told:
    calls = traffic.calls(count * 3 // 2, tenants)
    return [("media", traffic.interleaved([call.usage for call in calls])[:count])]


def _ends(count: int, tenants: int) -> Told:
    return [("persistence", [call.facts[-1] for call in _short_calls(count, tenants)])]


def _ends_and_recordings(count: int, tenants: int) -> Told:
    calls = _short_calls(count // 2, tenants)
    return [("persistence", [each for call in calls for each in (call.facts[-1], _recorded(call))])]


def _parts(count: int, tenants: int) -> Told:
    calls = _short_calls(count // 4, tenants)
    stored = [
        part for call in calls for part in (call.facts[-1], _recorded(call), _completed(call))
    ]
    return [("persistence", stored), ("billing", [_rated(call) for call in calls])]


def _short_calls(count: int, tenants: int) -> list[traffic.Call]:
    """Calls without audio or usage: only their ends count."""
    who = traffic.tenants(tenants)
    calls = [traffic.Call(who[n % tenants]) for n in range(count)]
    for call in calls:
        call.ends()
    return calls


def _recorded(call: traffic.Call) -> Event[Any]:
    news = RecordingStored(
        object_key="",
        codec="",
        duration_ms=0,
        size=0,
        sha256="",
        segments=0,
        missing_segments=0,
    )
    return call.event(f"{call.call}-recording", news)


def _completed(call: traffic.Call) -> Event[Any]:
    return call.event(f"{call.call}-timeline", TimelineCompleted(last_seq=0, digest="0" * 64))


def _rated(call: traffic.Call) -> Event[Any]:
    news = CallRated(
        amount_micros=1200, currency="USD", price_book="2026-01", lines=1, complete=True
    )
    return call.event(f"{call.call}-rated", news)


CONSUMERS = (
    Consumer("redaction", "RAW", "redaction", _facts("media")),
    Consumer("timeline", "CALLS", "timeline", _facts("persistence")),
    Consumer("metering", "USAGE", "metering", _usage),
    Consumer("metering-calls", "CALLS", "metering", _ends_and_recordings),
    Consumer("settlement", "CALLS", "settlement", _parts),
    Consumer("recordings", "CALLS", "recordings", _ends),
)
