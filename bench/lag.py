"""From a fact that a call tells to its committed row, with redaction in between.

Facts of whole calls are accepted by a spool, as in a media worker, at a steady rate: spool, RAW,
redaction, CALLS, timeline. Redaction, timeline and everything else that reads the same facts are
one process on one core (`offpath`, as `up` runs it), NATS and Postgres share the other; the spool,
which in life is many workers', is on whichever has time. When each stage had a fact is read
afterwards, from the streams' own times and the database's time of each commit, which are this
machine's clock, as is the time it was accepted.
"""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import psycopg
import uvloop

from bench import behind, traffic
from bench.harness.cores import CORES
from bench.harness.figures import Plot, percentile
from bench.harness.run import Run
from callfunnel.events.call import CallEnded
from callfunnel.events.envelope import Wire, to_wire
from callfunnel.infra.bus import Bus
from callfunnel.infra.follow import Follower
from callfunnel.infra.postgres import conninfo
from callfunnel.infra.spool import Spool
from callfunnel.local.lineup import DEPLOYABLES
from callfunnel.local.private_stack import PrivateStack
from callfunnel.local.services.postgres import data_folder
from tests.simulators.waiting import until

OFFPATH = tuple(DEPLOYABLES)
_WARM_UP_S = 2.0
_TENANTS = 10
_BEFORE = 20_000
"""Facts besides, so that there are enough behind the first end."""
_BEFORE_RATE = 3000
_FACTS = {"RAW": ["cf.*.raw.*.*"], "CALLS": ["cf.*.call.*.*"]}
_ALL = "select set_config('callfunnel.tenants', %s, true)"
_TIMES = "select id, extract(epoch from pg_xact_commit_timestamp(xmin)) from timeline.events"
_LAG = Plot(name="lag", title="From a fact to its committed row", x="facts/s", y="ms", grows="flat")


class Lags(NamedTuple):
    """Seconds of each fact: to its stage from the one before, and altogether."""

    raw: list[float]
    calls: list[float]
    row: list[float]
    all: list[float]


def measure(run: Run) -> None:
    """At a thousand and at five thousand facts a second."""
    seconds = run.option("seconds", 12, quick=4)
    for rate in (1000, 5000):
        with behind.services() as (stack, core):
            _keep_times(stack)
            os.sched_setaffinity(0, CORES)
            lags, spent = uvloop.run(_lags(stack, core, rate, seconds))
        what = f"fact to committed row at {rate:,}/s"
        run.figure(f"{what}, p50", percentile(lags.all, 0.5) * 1e3, "ms", reach="< 5")
        run.figure(f"{what}, p99", percentile(lags.all, 0.99) * 1e3, "ms", reach="< 40")
        for stage, took in (("RAW has it", lags.raw), ("CALLS", lags.calls), ("row", lags.row)):
            for share in (0.5, 0.99):
                part = f"of it, until {stage} at {rate:,}/s, p{share * 100:.0f}"
                run.figure(part, percentile(took, share) * 1e3, "ms")
        run.figure(f"offpath's share of its core at {rate:,}/s", spent / seconds * 100, "%")
        for share in (0.5, 0.99):
            run.point(_LAG, rate, percentile(lags.all, share) * 1e3, f"p{share * 100:.0f}")


def _keep_times(stack: PrivateStack) -> None:
    """From now on the database remembers when each transaction was committed."""
    stack.kill("postgres")
    with (data_folder(stack.home) / "postgresql.auto.conf").open("a") as conf:
        conf.write("track_commit_timestamp = on\n")
    stack.restart("postgres")


async def _lags(stack: PrivateStack, core: int, rate: int, seconds: float) -> tuple[Lags, float]:
    """The lags, and the processor time that offpath used, seconds."""
    media = await behind.bus_of(stack, "media")
    observer = await behind.bus_of(stack, behind.SUPERVISOR)
    spool = await Spool.open(stack.settings("bench").spool_dir)
    await spool.send_through(media.client)
    before, wires = _wires(int(rate * (seconds + _WARM_UP_S)))
    with behind.serving(stack, core, "offpath", *OFFPATH) as service:
        await until(lambda: behind.is_there(observer.client, "CALLS", "timeline"), "a timeline", 30)
        await _told(spool, before, _BEFORE_RATE, service)
        told, spent = await _told(spool, wires, rate, service)
        spent = service.cpu_s - spent
        await until(lambda: not spool.backlog, "everything told", 60)
        for stream, durable in (("RAW", "redaction"), ("CALLS", "timeline")):
            last = await observer.position(stream)
            await until(partial(_reached, observer, stream, durable, last), "the last row", 60)
    raw, calls = await _stored(observer, "RAW"), await _stored(observer, "CALLS")
    rows = await _committed(stack)
    await spool.close()
    for bus in (media, observer):
        await bus.stop()
    counted = [wire.id for wire in wires[int(rate * _WARM_UP_S) :]]
    return _stages(counted, told, raw, calls, rows), spent


def _stages(
    counted: Sequence[str],
    told: Mapping[str, float],
    raw: Mapping[str, float],
    calls: Mapping[str, float],
    rows: Mapping[str, float],
) -> Lags:
    return Lags(
        raw=[raw[id] - told[id] for id in counted],
        calls=[calls[id] - raw[id] for id in counted],
        row=[rows[id] - calls[id] for id in counted],
        all=[rows[id] - told[id] for id in counted],
    )


def _wires(count: int) -> tuple[list[Wire], list[Wire]]:
    """What is told before, while no call has ended yet, and so many facts that follow."""
    facts = traffic.interleaved([call.facts for call in traffic.calls(count + _BEFORE, _TENANTS)])
    first = next(n for n, each in enumerate(facts) if isinstance(each.data, CallEnded))
    wires = [to_wire(event, raw=True) for event in facts[: first + count]]
    return wires[:first], wires[first:]


async def _told(
    spool: Spool, wires: Sequence[Wire], rate: int, service: behind.Service
) -> tuple[dict[str, float], float]:
    """When each was accepted; and what the service had used when the warm-up was over."""
    began, sent, used = time.monotonic(), 0, 0.0
    told: dict[str, float] = {}
    while sent < len(wires):
        due = min(len(wires), int((time.monotonic() - began) * rate))
        for wire in wires[sent:due]:
            told[wire.id] = time.time()
            spool.emit(wire.id, wire.subject, wire.headers, wire.body)
        sent = due
        if not used and sent >= rate * _WARM_UP_S:
            used = service.cpu_s
        await asyncio.sleep(0.001)
    return told, used


async def _reached(bus: Bus, stream: str, durable: str, last: int) -> bool:
    return await behind.handled(bus.client, stream, durable) >= last


async def _committed(stack: PrivateStack) -> dict[str, float]:
    """When each row's transaction was committed, by the fact's id, as the database says."""
    owner = await conninfo(stack.settings("bench"), "persistence", stack.secrets())
    async with await psycopg.AsyncConnection.connect(owner) as connection:
        await connection.execute(_ALL, (",".join(traffic.tenants(_TENANTS)),))
        found = await connection.execute(_TIMES)
        return {id: float(at) async for id, at in found}


async def _stored(bus: Bus, stream: str) -> dict[str, float]:
    """Since when the stream has each fact of a call, by its id."""
    follower = Follower(bus.client, stream, _FACTS[stream], after=0, headers_only=True)
    try:
        found = await follower.so_far(60)
    finally:
        await follower.close()
    return {
        each.headers["ce-id"]: each.metadata.timestamp.timestamp()
        for each in found
        if each.headers and "ce-seq" in each.headers
    }
