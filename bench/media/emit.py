"""What telling costs the call that tells, while the spool writes and sends under load.

A loop on its own core emits as a worker with many calls does: facts, and segments of the recording
as large as they are, every millisecond's share at once. Each emit is timed where it is called.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from bench.harness.cores import apart, pin
from bench.harness.figures import percentile
from bench.harness.run import Run
from callfunnel.events.audio import AudioSegment
from callfunnel.events.call import CallerSpoke
from callfunnel.infra.bus import Bus, BusAccess
from callfunnel.infra.clock import utc_now
from callfunnel.infra.process import SWITCH_S
from callfunnel.infra.provision import BusSize, provision
from callfunnel.infra.spool import Spool
from tests.integration.bus.nats_process import NatsProcess
from tests.simulators.room import WORKER, spec
from workers.media.report import Reporter
from workers.media.tidiness import Tidiness

FACTS_PER_S = 1000
SEGMENTS_PER_S = 200
_FACT = CallerSpoke(
    turn=1,
    text="I am calling because my bill went up last month, can you tell me why?",
    start_ms=1000,
    end_ms=3000,
    confidence=0.9,
)
_SEGMENT = AudioSegment(n=0, start=0, caller=b"\x11" * 8000, agent=b"\x22" * 8000)


class Timed:
    """A spool whose `emit` is timed."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.open_call = spool.open_call
        self.flush = spool.flush
        self.took: list[int] = []

    def emit(self, *message: Any) -> None:
        began = time.perf_counter_ns()
        self._spool.emit(*message)
        self.took.append(time.perf_counter_ns() - began)


def measure(run: Run) -> None:
    """`--seconds`: how long it is loaded."""
    with tempfile.TemporaryDirectory(prefix="cf-bench-") as folder, apart() as core:
        server = NatsProcess(Path(folder))
        server.start()
        pin(0, core)
        try:
            uvloop.run(_loaded(run, server.url, Path(folder)))
        finally:
            server.stop()


async def _loaded(run: Run, url: str, folder: Path) -> None:
    bus = await Bus.open(BusAccess(url=url, name="bench"))
    await provision(bus.client, BusSize(streams=1024 * 1024 * 1024))
    spool = await Spool.open(folder / "spool")
    await spool.send_through(bus.client)
    timed = Timed(spool)
    reporter = Reporter(spec(), timed, utc_now)
    reporter.begin(WORKER, 1, "demo.0")
    sys.setswitchinterval(SWITCH_S)
    Tidiness()
    await _emit(reporter, 1.0)
    timed.took.clear()
    facts = await _emit(reporter, run.option("seconds", 8, quick=1))
    run.figure("emit, p50", percentile(timed.took, 0.5) / 1000, "us")
    run.figure("emit, p99", percentile(timed.took, 0.99) / 1000, "us", reach="< 100")
    run.figure("emit, longest", max(timed.took) / 1000, "us")
    run.figure("a whole fact (number, trace, encode, emit), p50", percentile(facts, 0.5), "us")
    run.figure("a whole fact, p99", percentile(facts, 0.99), "us")
    run.figure("emits timed", len(timed.took))
    await spool.drain(10)
    await spool.close()
    await bus.stop()


async def _emit(reporter: Reporter, seconds: float) -> list[float]:
    """Microseconds that each fact took its teller."""
    took: list[float] = []
    began = time.monotonic()
    facts = segments = 0
    while (at := time.monotonic() - began) < seconds:
        for _ in range(int(at * FACTS_PER_S) - facts):
            before = time.perf_counter_ns()
            reporter.fact(_FACT)
            took.append((time.perf_counter_ns() - before) / 1000)
            facts += 1
        for _ in range(int(at * SEGMENTS_PER_S) - segments):
            reporter.audio(_SEGMENT)
            segments += 1
        await asyncio.sleep(0.001)
    return took
