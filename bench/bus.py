"""What the bus costs: accepting a fact, getting it stored, having it handled.

    python bench/bus.py [facts]

Server, publisher and consumer share this machine; single figures are noisy.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

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


async def accepting(spool: Spool, wires: list[Wire]) -> None:
    costs = []
    for n, each in enumerate(wires):
        began = time.perf_counter()
        spool.emit(each.id, each.subject, each.headers, each.body)
        costs.append(time.perf_counter() - began)
        if n % 100 == 0:
            await asyncio.sleep(0)
    costs.sort()
    micro = [round(costs[int(len(costs) * share)] * 1e6, 1) for share in (0.5, 0.99)]
    print(f"emit: p50 {micro[0]} us, p99 {micro[1]} us")


async def storing(spool: Spool, count: int) -> None:
    began = time.perf_counter()
    assert await spool.drain(120)
    print(f"spool to stream: {count / (time.perf_counter() - began):,.0f} facts/s")


async def handling(bus: Bus, count: int) -> None:
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
    rate = count / (time.perf_counter() - began)
    print(f"stream to handler: {rate:,.0f} facts/s in batches of {seen / batches:.0f}")


async def latency(bus: Bus, spool: Spool, count: int) -> None:
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
    cuts = statistics.quantiles(lags, n=100)
    print(f"emit to handler: p50 {cuts[49] * 1e3:.1f} ms, p99 {cuts[98] * 1e3:.1f} ms")


async def requests(bus: Bus) -> None:
    from callfunnel.events.requests import Accepted, HangUp

    async def answer(_: Received[Any]) -> Accepted:
        return Accepted(ok=True)

    await bus.serve(HangUp, answer)
    costs = []
    for _ in range(500):
        began = time.perf_counter()
        await bus.request(HangUp(by="x"), Accepted, tenant=DEMO, key="c_1")
        costs.append(time.perf_counter() - began)
    cuts = statistics.quantiles(costs, n=100)
    print(f"request and reply: p50 {cuts[49] * 1e3:.2f} ms, p99 {cuts[98] * 1e3:.2f} ms")


async def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = NatsProcess(Path(folder))
        server.start()
        try:
            await measured(server.url, Path(folder), count)
        finally:
            server.stop()


async def measured(url: str, folder: Path, count: int) -> None:
    bus = await Bus.open(BusAccess(url=url, name="bench"))
    await provision(bus.client, BusSize(streams=1024 * 1024 * 1024))
    spool = await Spool.open(folder / "spool")
    await spool.send_through(bus.client)
    await accepting(spool, [wire(n) for n in range(count)])
    await storing(spool, count)
    await handling(bus, count)
    await bus.stop()
    await spool.close()
    late = await Bus.open(BusAccess(url=url, name="bench-lag"))
    spool = await Spool.open(folder / "spool")
    await spool.send_through(late.client)
    await latency(late, spool, count)
    await requests(late)
    await spool.close()
    await late.stop()


if __name__ == "__main__":
    import uvloop

    subprocess.run(["uname", "-sr"], check=True)  # what it ran on
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30_000))
