"""Hosts features on the real services, and asks the published views what came of a call."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from callfunnel.domain.ids import TenantId
from callfunnel.infra.bus import Bus
from callfunnel.infra.context import Context
from callfunnel.infra.postgres import Pool, tenant_connection
from callfunnel.infra.sealed import SealedSecrets
from callfunnel.infra.settings import PlatformSettings
from callfunnel.local.private_stack import PrivateStack
from tests.simulators.waiting import until

ROOT = Path(__file__).parents[3]
Start = Callable[..., Awaitable[subprocess.Popen[bytes]]]
PoolOf = Callable[[str], Awaitable[Pool]]
View = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture
async def bus(platform: PlatformSettings, platform_secrets: SealedSecrets) -> AsyncIterator[Bus]:
    """The bus of one who may say and read everything: it speaks for workers that are not there."""
    connected = await Bus.connect(platform, "supervisor", platform_secrets)
    yield connected
    await connected.stop()


@pytest.fixture
def context(platform: PlatformSettings, platform_secrets: SealedSecrets) -> Callable[[], Context]:
    """Makes the context of one more process."""
    return lambda: Context(platform, platform_secrets)


@pytest.fixture
async def view(postgres: PoolOf) -> View:
    """`await view(tenant, "api.calls", call)`: rows of a view as the gateway sees them."""
    pool = await postgres("gateway")

    async def rows(tenant: TenantId, name: str, call: str) -> list[dict[str, Any]]:
        async with tenant_connection(pool, tenant) as connection:
            found = await connection.execute(
                "select * from VIEW where tenant = %s and call = %s".replace("VIEW", name),
                (tenant, call),
            )
            names = [column.name for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in await found.fetchall()]

    return rows


def spawned(command: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=env, cwd=ROOT)


@pytest.fixture
def start(stack: PrivateStack) -> Iterator[Start]:
    """`await start("timeline", "workers.persistence")`: a feature in a process of its own.

    "all" is every feature of the packages in one process.
    """
    started: list[subprocess.Popen[bytes]] = []

    async def process(feature: str, *packages: str) -> subprocess.Popen[bytes]:
        settings = stack.settings(f"{feature}-{len(started) + 1}")
        ready = settings.run_dir / f"{settings.process}.json"
        ready.unlink(missing_ok=True)
        env = {**os.environ, **settings.to_env(), "PYTHONPATH": str(ROOT)}
        program = "callfunnel.infra.service"
        chosen = [] if feature == "all" else ["--only", feature]
        child = spawned([sys.executable, "-m", program, *packages, *chosen], env)
        started.append(child)
        await until(ready.exists, f"{feature} is ready", within_s=20)
        return child

    yield process
    for child in started:
        child.kill()
        child.wait()
