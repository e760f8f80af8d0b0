"""From a fact that a call tells to its committed row, with redaction in between.

Facts of whole calls are accepted by a spool, as in a media worker, at a steady rate: spool, RAW,
redaction, CALLS, timeline. Redaction, timeline and everything else that reads the same facts are
one process on a core of its own (`offpath`, as `up` runs it); spool, NATS, Postgres and the
observer share the other. The observer hears the timeline's acknowledgements, which follow the
commit, on the clock that the facts were accepted by: it sees a row a little late, never early.
"""

import asyncio
import time
from collections.abc import Sequence

import uvloop

from bench import behind, traffic
from bench.harness.figures import Plot, percentile
from bench.harness.run import Run
from callfunnel.events.envelope import Wire, to_wire
from callfunnel.infra.bus import Bus
from callfunnel.infra.follow import Follower
from callfunnel.infra.spool import Spool
from callfunnel.local.lineup import DEPLOYABLES
from callfunnel.local.private_stack import PrivateStack
from tests.simulators.waiting import until

OFFPATH = tuple(DEPLOYABLES)
_WARM_UP_S = 2.0
_TENANTS = 10
_ACKS = "$JS.ACK.CALLS.timeline.>"
_LAG = Plot(name="lag", title="From a fact to its committed row", x="facts/s", y="ms", grows="flat")


def measure(run: Run) -> None:
    """At a thousand and at five thousand facts a second."""
    seconds = run.option("seconds", 12, quick=4)
    for rate in (1000, 5000):
        with behind.services() as (stack, core):
            lags, spent = uvloop.run(_lags(stack, core, rate, seconds))
        what = f"fact to committed row at {rate:,}/s"
        run.figure(f"{what}, p50", percentile(lags, 0.5) * 1e3, "ms", reach="< 5")
        run.figure(f"{what}, p99", percentile(lags, 0.99) * 1e3, "ms", reach="< 40")
        run.figure(f"offpath's share of its core at {rate:,}/s", spent / seconds * 100, "%")
        for share in (0.5, 0.99):
            run.point(_LAG, rate, percentile(lags, share) * 1e3, f"p{share * 100:.0f}")


async def _lags(
    stack: PrivateStack, core: int, rate: int, seconds: float
) -> tuple[list[float], float]:
    """The lags, seconds, and the processor time that offpath used."""
    media = await behind.bus_of(stack, "media")
    observer = await behind.bus_of(stack, behind.SUPERVISOR)
    spool = await Spool.open(stack.settings("bench").spool_dir)
    await spool.send_through(media.client)
    wires = _wires(int(rate * (seconds + _WARM_UP_S)))
    with behind.serving(stack, core, "offpath", *OFFPATH) as service:
        committed = await _observed(observer)
        await until(lambda: behind.is_there(observer.client, "CALLS", "timeline"), "a timeline", 30)
        told, spent = await _told(spool, wires, rate, service)
        await until(lambda: len(committed) >= len(wires), "the last row", 60)
        spent = service.cpu_s - spent
    ids = await _ids(observer)
    await spool.close()
    for bus in (media, observer):
        await bus.stop()
    counted = {wire.id for wire in wires[int(rate * _WARM_UP_S) :]}
    return [committed[n] - told[id] for n, id in ids.items() if id in counted], spent


def _wires(count: int) -> list[Wire]:
    calls = traffic.calls(count, _TENANTS)
    events = traffic.interleaved([call.facts for call in calls])[:count]
    return [to_wire(event, raw=True) for event in events]


async def _told(
    spool: Spool, wires: Sequence[Wire], rate: int, service: behind.Service
) -> tuple[dict[str, float], float]:
    """When each was accepted; and what the service had used when the warm-up was over."""
    began, sent, used = time.monotonic(), 0, 0.0
    told: dict[str, float] = {}
    while sent < len(wires):
        due = min(len(wires), int((time.monotonic() - began) * rate))
        for wire in wires[sent:due]:
            told[wire.id] = time.monotonic()
            spool.emit(wire.id, wire.subject, wire.headers, wire.body)
        sent = due
        if not used and sent >= rate * _WARM_UP_S:
            used = service.cpu_s
        await asyncio.sleep(0.001)
    return told, used


async def _observed(bus: Bus) -> dict[int, float]:
    """When each message of CALLS was acknowledged by the timeline, for as long as the bus lives."""
    committed: dict[int, float] = {}

    async def heard(ack: object) -> None:
        committed.setdefault(int(str(ack.subject).split(".")[5]), time.monotonic())  # type: ignore[attr-defined]

    await bus.client.subscribe(_ACKS, cb=heard)
    return committed


async def _ids(bus: Bus) -> dict[int, str]:
    """The id of every fact on CALLS that came from a call, by its sequence."""
    follower = Follower(bus.client, "CALLS", ["cf.*.call.*.*"], after=0, headers_only=True)
    try:
        found = await follower.so_far(60)
    finally:
        await follower.close()
    return {
        each.metadata.sequence.stream: each.headers["ce-id"]
        for each in found
        if each.headers and "ce-seq" in each.headers
    }
