"""What the bus costs: accepting a fact, getting it stored, having it handled.

The server has the first core, publisher and consumers (one process) have the other.
"""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from bench.harness.cores import apart, pin
from bench.harness.figures import percentile
from bench.harness.run import Run
from callfunnel.domain.ids import TenantId
from callfunnel.events.envelope import Wire, to_wire
from callfunnel.events.usage import UsageMeasured
from callfunnel.infra.bus import Bus, BusAccess, Received, event
from callfunnel.infra.provision import BusSize, provision
from callfunnel.infra.spool import Spool
from tests.integration.bus.nats_process import NatsProcess

DEMO = TenantId("demo")


def wire(n: int) -> Wire:
    """About 500 bytes on the wire."""
    data = UsageMeasured(
        meter="speech",
        quantity=n,
        unit="ms",
        provider="demo",
        model="x" * 60,
        source="measured",
        record=str(n),
    )
    return to_wire(event(data, DEMO, "c_1", id=f"bench-{n}"))


_AT_ONCE = 5000
"""Facts: a spool refuses what no disk could take at once."""


async def accepting(run: Run, spool: Spool, wires: list[Wire]) -> None:
    costs = []
    for n, each in enumerate(wires):
        began = time.perf_counter()
        spool.emit(each.id, each.subject, each.headers, each.body)
        costs.append(time.perf_counter() - began)
        if n % 100 == 0:
            await asyncio.sleep(0)
        if n % _AT_ONCE == 0:
            await spool.flush()
    run.figure("emit, p50", percentile(costs, 0.5) * 1e6, "us")
    run.figure("emit, p99", percentile(costs, 0.99) * 1e6, "us", reach="< 100")


async def storing(run: Run, spool: Spool, count: int) -> None:
    began = time.perf_counter()
    assert await spool.drain(120)
    run.figure("spool to stream", count / (time.perf_counter() - began), "facts/s")


async def handling(run: Run, bus: Bus, count: int) -> None:
    import callfunnel.infra.batches  # noqa: F401 - loading FastStream is not what is measured

    seen, batches = 0, 0
    done = asyncio.Event()

    @bus.consumer("bench", UsageMeasured, batch=500)
    async def handle(batch: list[Received[Any]]) -> None:
        nonlocal seen, batches
        seen += len(batch)
        batches += 1
        if seen >= count:
            done.set()

    began = time.perf_counter()
    await bus.start()
    await done.wait()
    run.figure("stream to handler", count / (time.perf_counter() - began), "facts/s")
    run.figure("facts in a batch of it", seen / batches)


async def latency(run: Run, bus: Bus, spool: Spool, count: int) -> None:
    """From emit to the handler, one fact every 2 ms."""
    lags: list[float] = []
    sent: dict[int, float] = {}
    caught_up, done = asyncio.Event(), asyncio.Event()

    @bus.consumer("bench-lag", UsageMeasured, batch=500)
    async def handle(batch: list[Received[Any]]) -> None:
        now = time.perf_counter()
        lags.extend(now - sent[item.data.quantity] for item in batch if item.data.quantity in sent)
        if batch[-1].data.quantity == count - 1:
            caught_up.set()
        if len(lags) == 1000:
            done.set()

    await bus.start()
    await caught_up.wait()
    for n in range(10**6, 10**6 + 1000):
        each = wire(n)
        sent[n] = time.perf_counter()
        spool.emit(each.id, each.subject, each.headers, each.body)
        await asyncio.sleep(0.002)
    await done.wait()
    run.figure("emit to handler, one every 2 ms, p50", percentile(lags, 0.5) * 1e3, "ms")
    run.figure("emit to handler, one every 2 ms, p99", percentile(lags, 0.99) * 1e3, "ms")


async def requests(run: Run, bus: Bus) -> None:
    from callfunnel.events.requests import Accepted, HangUp

    async def answer(_: Received[Any]) -> Accepted:
        return Accepted(ok=True)

    await bus.serve(HangUp, answer)
    costs = []
    for _ in range(500):
        began = time.perf_counter()
        await bus.request(HangUp(by="x"), Accepted, tenant=DEMO, key="c_1")
        costs.append(time.perf_counter() - began)
    run.figure("request and reply, p50", percentile(costs, 0.5) * 1e3, "ms")
    run.figure("request and reply, p99", percentile(costs, 0.99) * 1e3, "ms")


def measure(run: Run) -> None:
    """`--facts`: how many there are of everything but the latencies."""
    with tempfile.TemporaryDirectory() as folder, apart() as core:
        server = NatsProcess(Path(folder))
        server.start()
        pin(0, core)
        try:
            count = int(run.option("facts", 30_000, quick=2_000))
            uvloop.run(measured(run, server.url, Path(folder), count))
        finally:
            server.stop()


async def measured(run: Run, url: str, folder: Path, count: int) -> None:
    bus = await Bus.open(BusAccess(url=url, name="bench"))
    await provision(bus.client, BusSize(streams=1024 * 1024 * 1024))
    spool = await Spool.open(folder / "spool")
    await spool.send_through(bus.client)
    await accepting(run, spool, [wire(n) for n in range(count)])
    await storing(run, spool, count)
    await handling(run, bus, count)
    await bus.stop()
    await spool.close()
    late = await Bus.open(BusAccess(url=url, name="bench-lag"))
    spool = await Spool.open(folder / "spool")
    await spool.send_through(late.client)
    await latency(run, late, spool, count)
    await requests(run, late)
    await spool.close()
    await late.stop()
