"""What tracing and metrics cost: per fact of a call, and per event of a consumer.

Each way is measured in turn, many times over, in one process: without anything that watches; with
the metrics and tracing off, as the product is shipped; and with tracing on, every call sampled,
the collector in another process.
"""

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from types import SimpleNamespace
from typing import Any, Final

import msgspec
from nats.aio.msg import Msg

from bench.frames import Quiet
from bench.harness.cores import apart, pin
from bench.harness.run import Run
from callfunnel.domain.ids import TenantId
from callfunnel.events import call as facts
from callfunnel.events.envelope import to_wire
from callfunnel.events.message import Message
from callfunnel.infra.bus import event
from callfunnel.infra.clock import unix_ns, utc_now
from callfunnel.infra.otlp import OtlpSink
from callfunnel.infra.settling import Received, Settling
from callfunnel.infra.spans import OFF, Tracer
from callfunnel.infra.telemetry import Telemetry
from tests.simulators.otlp_collector import collecting
from tests.simulators.room import spec
from workers.media.measures import Measures
from workers.media.report import Reporter
from workers.media.spans import CallSpans

TURN_S: Final = 4.0
"""A call of the bench has a turn every four seconds, and a tool in every fourth turn."""
BATCH: Final = 500
SAMPLED: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SPEC: Final = msgspec.structs.replace(spec(), traceparent=SAMPLED)


class Untraced(Settling):
    """A consumer as it was before there was tracing."""

    def _trace(self, *_: Any) -> None:
        """Nothing is looked at."""


def turn(n: int) -> list[Message]:
    """The facts of one turn."""
    at = n * 4000
    told: list[Message] = [
        facts.CallerSpoke(turn=n, text="why did my bill go up", start_ms=at, end_ms=at + 900),
        facts.AgentSpoke(
            turn=n,
            text="your bill went up because of a fee",
            start_ms=at + 1400,
            heard_ms=1900,
            generated_ms=1900,
            interrupted=False,
        ),
        facts.TurnMeasured(
            turn=n,
            speech_end_ms=at + 900,
            committed_ms=at + 1300,
            model_ms=at + 1350,
            sent_ms=at + 1360,
            played_ms=at + 1500,
            response_ms=460,
        ),
    ]
    if n % 4 == 0:
        which = f"tc_{n}"
        told.append(facts.ToolCalled(tool_call=which, tool="find", arguments={"id": 1}))
        returned = facts.ToolReturned(
            tool_call=which, tool="find", outcome="done", result={"id": 1}, duration_ms=9
        )
        told.append(returned)
    return told


def facts_of_a_call(tracer: Tracer | None, telemetry: Telemetry, turns: int) -> float:
    """Milliseconds of CPU per call-second for telling its facts."""
    seen: list[Any] = []
    if tracer is not None:
        seen = [Measures(telemetry), CallSpans(tracer, SPEC, unix_ns, unix_ns())]
    reporter = Reporter(SPEC, Quiet(), utc_now, witnesses=seen)
    began = time.process_time()
    for n in range(1, turns + 1):
        for fact in turn(n):
            reporter.fact(fact)
    return (time.process_time() - began) / (turns * TURN_S) * 1000


async def batches(settling: Settling, fed: list[Msg], times: int) -> float:
    """Events a second of one consumer that does nothing with them."""

    async def handle(_: list[Received[Any]]) -> None:
        """Nothing."""

    began = time.process_time()
    for _ in range(times):
        await settling.settle(fed, handle)
    return times * len(fed) / (time.process_time() - began)


def message(n: int) -> Any:
    """A delivered event of one of 20 calls."""
    trace = f"00-{n % 20 + 1:032x}-{1:016x}-01"
    fact = facts.KeyPressed(digit="1", at_ms=n)
    told = to_wire(event(fact, TenantId("demo"), f"c_{n % 20}", id=f"x-{n}", traceparent=trace))

    async def ack() -> None:
        """Nobody is told."""

    return SimpleNamespace(
        headers=told.headers,
        data=told.body,
        subject=told.subject,
        reply="$JS.ACK.CALLS.timeline.1.1.1.1.0",
        metadata=SimpleNamespace(consumer="timeline", num_delivered=1),
        ack=ack,
        _client=None,
    )


def measure(run: Run) -> None:
    """Medians of interleaved rounds."""
    rounds, turns = (2, 200) if run.quick else (15, 2000)
    with apart() as core, collector() as url:
        pin(0, core)
        sink = OtlpSink(url, "bench-1")
        on = Tracer(sink)
        calls = _rounds(
            rounds,
            lambda: facts_of_a_call(None, Telemetry(), turns),
            lambda: facts_of_a_call(OFF, Telemetry(), turns),
            lambda: facts_of_a_call(on, Telemetry(), turns),
        )
        events = asyncio.run(_consumers(on, rounds, 20 if not run.quick else 2))
        asyncio.run(sink.close(10))
    _tell(run, "facts of a call, CPU per call-second", "ms", calls)
    _tell(run, "events through a consumer that does nothing", "events/s", events)
    what = "metrics and tracing off, of the audio path's 2 ms per call-second"
    run.figure(what, _share(calls), "%", reach="< 1")
    run.figure("spans exported while measuring", sink.counts.exported)
    run.figure("spans dropped while measuring", sink.counts.dropped)


def _share(calls: tuple[float, float, float]) -> float:
    return (calls[1] - calls[0]) / 2.0 * 100


async def _consumers(on: Tracer, rounds: int, times: int) -> tuple[float, float, float]:
    fed = [message(n) for n in range(BATCH)]
    ways = (Untraced(_bury, OFF), Settling(_bury, OFF), Settling(_bury, on))
    found: list[list[float]] = [[], [], []]
    for _ in range(rounds):
        for values, settling in zip(found, ways, strict=True):
            values.append(await batches(settling, fed, times))
    without, off, traced = (statistics.median(values) for values in found)
    return without, off, traced


def _rounds(rounds: int, *ways: Callable[[], float]) -> tuple[float, float, float]:
    found: list[list[float]] = [[] for _ in ways]
    for way in ways:
        way()  # the first time is slower
    for _ in range(rounds):
        for values, way in zip(found, ways, strict=True):
            values.append(way())
    without, off, traced = (statistics.median(values) for values in found)
    return without, off, traced


def _tell(run: Run, what: str, unit: str, found: tuple[float, float, float]) -> None:
    for name, value in zip(("nothing watches", "tracing off", "tracing on"), found, strict=True):
        run.figure(f"{what}: {name}", value, unit)


async def _bury(*_: Any) -> None:
    """Nothing is buried here."""


@contextmanager
def collector() -> Iterator[str]:
    """A collector in a process of its own; its address."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_collect, args=(there,), daemon=True)
    process.start()
    try:
        yield str(here.recv())
    finally:
        here.send("enough")
        process.join(10)


def _collect(pipe: Connection) -> None:
    with collecting() as running:
        pipe.send(running.url)
        pipe.recv()
