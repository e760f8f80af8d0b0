"""kill -9 of the conductor while an approval is open or just decided: told once, done once."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from callfunnel.domain.ids import TenantId
from callfunnel.events.approval import ApprovalClosed
from callfunnel.events.requests import Accepted, DecideApproval
from callfunnel.infra.bus import Bus
from callfunnel.infra.postgres import tenant_connection
from callfunnel.infra.settings import PlatformSettings
from callfunnel.local.private_stack import PrivateStack
from tests.integration.conductor.conftest import DEMO
from tests.simulators.waiting import until

ROOT = Path(__file__).parents[3]
BIG = {"percent": 25, "months": 12}
Process = subprocess.Popen[bytes]
Start = Callable[[], Awaitable[Process]]


@pytest.fixture
async def process(stack: PrivateStack, tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a conductor as a process of its own; ready when it returns."""
    running: list[Process] = []

    async def start() -> Process:
        name = f"conductor-{len(running)}"
        settings: PlatformSettings = stack.settings(name)
        ready = settings.run_dir / f"{name}.json"
        ready.unlink(missing_ok=True)
        env = {**os.environ, **settings.to_env(), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "workers.conductor", "rulebooks", "tools"]
        running.append(subprocess.Popen(command, env=env))  # noqa: ASYNC220 - a few milliseconds
        await until(ready.exists, f"{name} is ready", 30)
        return running[-1]

    yield start
    for each in running:
        each.kill()
        await asyncio.to_thread(each.wait)


def killed(process: Process) -> None:
    process.kill()
    process.wait()


async def decide(bus: Bus, tenant: TenantId, approval: str) -> Accepted:
    wanted = DecideApproval(decision="approved", by="ann", via="api")
    return await bus.request(wanted, Accepted, tenant=tenant, key=approval, timeout=10)


async def closings(bus: Bus, tenant: TenantId, approval: str) -> ApprovalClosed:
    async def there() -> bool:
        return await bus.last(ApprovalClosed, tenant, approval) is not None

    await until(there, "the decision is on the bus", 30)
    last = await bus.last(ApprovalClosed, tenant, approval)
    assert last is not None
    return last.data


async def test_an_open_approval_outlives_the_conductor_and_acts_once(
    process, put, run_tool, gateway_bus, media_bus, postgres, tenant
) -> None:
    first = await process()
    await put()
    pending = await run_tool("offer_discount", BIG, call="c_kill", tool_call="tc_1")
    killed(first)
    await process()
    again = await run_tool("offer_discount", BIG, call="c_kill", tool_call="tc_1")
    assert again.approval == pending.approval
    assert (await decide(gateway_bus, tenant, pending.approval)).ok
    assert (await closings(media_bus, tenant, pending.approval)).result["percent"] == 25
    assert (await decide(gateway_bus, tenant, pending.approval)).reason == "late"
    assert await effects(postgres, tenant) == 1


async def test_a_decision_is_told_although_the_conductor_died_right_after_it(
    process, put, run_tool, gateway_bus, media_bus, postgres, tenant
) -> None:
    first = await process()
    await put()
    pending = await run_tool("offer_discount", BIG)
    answer = await decide(gateway_bus, tenant, pending.approval)
    killed(first)
    assert answer.ok
    await process()
    assert (await closings(media_bus, tenant, pending.approval)).decision == "approved"
    assert await effects(postgres, tenant) == 1


async def test_what_expired_while_nobody_was_there_is_told_when_somebody_is(
    process, put, run_tool, media_bus, postgres, tenant
) -> None:
    first = await process()
    await put(DEMO.replace("expires_ms: 90000", "expires_ms: 1000"))
    pending = await run_tool("offer_discount", BIG)
    killed(first)

    async def due() -> bool:
        async with tenant_connection(await postgres("conductor"), tenant) as connection:
            found = await connection.execute("select expires_at < now() from approvals.approvals")
            return bool((await found.fetchone())[0])

    await until(due, "the time is over")
    await asyncio.gather(process(), process())
    assert (await closings(media_bus, tenant, pending.approval)).decision == "expired"
    assert await effects(postgres, tenant) == 0


async def effects(postgres, tenant: TenantId) -> int:
    async with tenant_connection(await postgres("conductor"), tenant) as connection:
        found = await connection.execute("select count(*) from tools.effects")
        return int((await found.fetchone())[0])
