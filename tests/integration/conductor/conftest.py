"""The conductor on the real services, with a rule book published for the test's own tenant."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import callfunnel.local.demo
from callfunnel.domain.ids import TenantId
from callfunnel.events.requests import PutRulebook, RulebookStored, RunTool, ToolOutcome
from callfunnel.infra.bus import Bus
from callfunnel.infra.clock import fresh_id
from callfunnel.infra.context import Context
from callfunnel.infra.sealed import SealedSecrets
from callfunnel.infra.settings import PlatformSettings
from workers.conductor.service import FEATURES

DEMO = (Path(callfunnel.local.demo.__file__).parent / "home-internet.yaml").read_text()
AGENT = "home-internet"
Ask = Callable[..., Awaitable[ToolOutcome]]


@pytest.fixture
async def conductor(
    platform: PlatformSettings, platform_secrets: SealedSecrets
) -> AsyncIterator[Callable[[], Awaitable[Context]]]:
    """Starts one more conductor (rule books, tools, approvals) and returns its context."""
    stops: list[Callable[[], Awaitable[None]]] = []

    async def start() -> Context:
        context = Context(platform, platform_secrets)
        for name in ("rulebooks", "tools"):
            await FEATURES[name](context).start()
        await context.start()

        async def stop() -> None:
            await context.stop_buses()
            await context.close()

        stops.append(stop)
        return context

    yield start
    await asyncio.gather(*(stop() for stop in stops))


@pytest.fixture
async def gateway_bus(
    platform: PlatformSettings, platform_secrets: SealedSecrets
) -> AsyncIterator[Bus]:
    bus = await Bus.connect(platform, "gateway", platform_secrets)
    yield bus
    await bus.stop()


@pytest.fixture
async def media_bus(
    platform: PlatformSettings, platform_secrets: SealedSecrets
) -> AsyncIterator[Bus]:
    bus = await Bus.connect(platform, "media", platform_secrets)
    yield bus
    await bus.stop()


Put = Callable[..., Awaitable[RulebookStored]]


@pytest.fixture
def put(gateway_bus: Bus, tenant: TenantId) -> Put:
    """`await put(document)`: asks for a rule book to be published."""

    async def ask(document: str = DEMO) -> RulebookStored:
        wanted = PutRulebook(document=document, by="ann")
        return await gateway_bus.request(
            wanted, RulebookStored, tenant=tenant, key=AGENT, timeout=10
        )

    return ask


@pytest.fixture
def run_tool(media_bus: Bus, tenant: TenantId) -> Ask:
    """`await run_tool("offer_discount", {...})`: asks as a call would."""

    async def ask(
        tool: str,
        arguments: dict[str, Any] | None = None,
        *,
        call: str = "",
        tool_call: str = "",
        version: int = 1,
    ) -> ToolOutcome:
        wanted = RunTool(
            tool_call=tool_call or fresh_id("tc"),
            tool=tool,
            arguments=arguments or {},
            agent=AGENT,
            rulebook_version=version,
            caller="+15550100123",
            deadline_ms=5000,
        )
        key = call or fresh_id("c")
        return await media_bus.request(wanted, ToolOutcome, tenant=tenant, key=key, timeout=10)

    return ask


def row_text(rows: list[Any]) -> str:
    return json.dumps(rows, default=str)
