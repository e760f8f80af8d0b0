"""What a caller who waits for a tool notices of a backlog that is worked off beside it.

Tools, approvals, redaction and all other consumers are one process on a core of its own, as `up`
runs them. A tool is asked for twenty times a second: first in peace, then while facts of whole
calls gather faster than they are redacted, until the last of them is redacted.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import uvloop

from bench import behind, traffic
from bench.harness.figures import percentile
from bench.harness.run import Run
from bench.lag import OFFPATH
from callfunnel.domain.errors import Temporary
from callfunnel.events.requests import RunTool, ToolOutcome
from callfunnel.infra.bus import Bus
from callfunnel.infra.clock import fresh_id
from callfunnel.local.demo import AGENT, TENANT
from callfunnel.local.private_stack import PrivateStack
from tests.simulators.waiting import until

_EVERY_S = 0.05
_TOOL = "find_customer"


def measure(run: Run) -> None:
    """In peace, and beside a backlog."""
    count = int(run.option("count", 100_000, quick=5000))
    with behind.services() as (stack, core):
        calm, busy = uvloop.run(_waits(stack, core, count))
    for when, waits in (("in peace", calm), ("beside a backlog", busy)):
        run.figure(f"a tool's answer {when}, p50", percentile(waits, 0.5) * 1e3, "ms")
        run.figure(f"a tool's answer {when}, p99", percentile(waits, 0.99) * 1e3, "ms")
        run.figure(f"a tool's answer {when}, slowest", max(waits) * 1e3, "ms")


async def _waits(stack: PrivateStack, core: int, count: int) -> tuple[list[float], list[float]]:
    media = await behind.bus_of(stack, "media")
    boss = await behind.bus_of(stack, behind.SUPERVISOR)
    calls = traffic.calls(count, 10)
    facts = traffic.interleaved([call.facts for call in calls])
    with behind.serving(stack, core, "offpath", *OFFPATH):
        await until(lambda: _answers(media), "the tools answer", 60)
        peace = asyncio.get_running_loop().time() + 5
        calm = await _asked(media, lambda: _later(peace))
        telling = asyncio.create_task(behind.publish(media, facts, raw=True))

        async def redacted() -> bool:
            last = await boss.position("RAW")
            return telling.done() and await behind.handled(boss.client, "RAW", "redaction") >= last

        busy = await _asked(media, redacted)
        await telling
    for bus in (media, boss):
        await bus.stop()
    return calm, busy


async def _asked(media: Bus, enough: Callable[[], Awaitable[bool]]) -> list[float]:
    """The seconds that each answer took."""
    waits: list[float] = []
    while not await enough():
        began = time.perf_counter()
        await _tool(media)
        waits.append(time.perf_counter() - began)
        await asyncio.sleep(_EVERY_S)
    return waits


async def _later(when: float) -> bool:
    return asyncio.get_running_loop().time() >= when


async def _answers(media: Bus) -> bool:
    try:
        return (await _tool(media)).outcome == "done"
    except Temporary:
        return False


async def _tool(media: Bus) -> ToolOutcome:
    wanted = RunTool(
        tool_call=fresh_id("tc"),
        tool=_TOOL,
        arguments={},
        agent=AGENT,
        rulebook_version=1,
        caller="+15550102345",
        deadline_ms=10_000,
    )
    return await media.request(wanted, ToolOutcome, tenant=TENANT, key=fresh_id("c"), timeout=10)
