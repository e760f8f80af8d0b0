"""What waits at a durable, and since when, is the server's word and shown as a metric."""

import asyncio

import pytest

from callfunnel.domain.ids import TenantId
from callfunnel.events.usage import UsageMeasured
from callfunnel.infra import backlog as watched
from callfunnel.infra.backlog import Backlog
from callfunnel.infra.bus import Bus, Received, event
from callfunnel.infra.telemetry import Telemetry
from tests.simulators.waiting import until

DEMO = TenantId("demo")


def shown(telemetry: Telemetry, name: str) -> float:
    lines = telemetry.render().decode().splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(name)), -1.0)


async def test_what_is_not_handled_is_counted_and_grows_old(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "EVERY_S", 0.02)
    go = asyncio.Event()

    @bus.consumer("slow", UsageMeasured, batch=1)
    async def wait(_: list[Received[UsageMeasured]]) -> None:
        await go.wait()

    await bus.start()
    telemetry = Telemetry()
    backlog = Backlog(telemetry)
    backlog.watch(bus.client, {"slow": "USAGE"})
    used = [
        UsageMeasured(
            meter="m", quantity=1, unit="n", provider="", model="", source="measured", record=str(n)
        )
        for n in range(3)
    ]
    await bus.publish(*(event(each, DEMO, "c_1") for each in used))

    behind = "callfunnel_consumer_backlog"
    await until(lambda: shown(telemetry, behind) == 3, "all three wait")
    oldest = "callfunnel_consumer_oldest_seconds"
    await until(lambda: shown(telemetry, oldest) > 0.1, "they grow old")
    assert shown(telemetry, "callfunnel_dead_letters") == 0

    go.set()
    await until(lambda: shown(telemetry, behind) == 0, "nothing waits any more")
    await until(lambda: shown(telemetry, oldest) == 0, "so nothing is old")
    await backlog.stop()
