"""A real NATS, Postgres and S3 for each test process: see README.md beside this file."""

import secrets as randomness
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import psycopg
import pytest

from callfunnel.domain.ids import TenantId, tenant_id
from callfunnel.infra.objects import Objects
from callfunnel.infra.postgres import Pool, connect_pool, conninfo
from callfunnel.infra.sealed import SealedSecrets
from callfunnel.infra.settings import PlatformSettings
from callfunnel.local.private_stack import PrivateStack
from tests.containers.chosen import services

PoolOf = Callable[[str], Awaitable[Pool]]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateStack]:
    """The running services of this test process; `kill` and `restart` them at will."""
    started = services(tmp_path_factory.mktemp("home"))
    yield started
    started.stop()


@pytest.fixture
def platform(stack: PrivateStack) -> PlatformSettings:
    """Settings of a process named `test` on the running services."""
    return stack.settings("test")


@pytest.fixture
def platform_secrets(stack: PrivateStack) -> SealedSecrets:
    """The store with the credentials of every role."""
    return stack.secrets()


@pytest.fixture
def nats_url(platform: PlatformSettings) -> str:
    return platform.nats_url


@pytest.fixture
async def owner_conninfo(platform: PlatformSettings, platform_secrets: SealedSecrets) -> str:
    """How to reach the database as the tables' owner (row-level security binds it, too)."""
    return await conninfo(platform, "owner", platform_secrets)


@pytest.fixture
async def postgres(
    platform: PlatformSettings, platform_secrets: SealedSecrets
) -> AsyncIterator[PoolOf]:
    """`await postgres("billing")` is an open pool of that role, closed after the test."""
    async with AsyncExitStack() as pools:

        async def pool_of(role: str) -> Pool:
            pool = await connect_pool(platform, role, platform_secrets)
            pools.push_async_callback(pool.close)
            return pool

        yield pool_of


@pytest.fixture
async def objects(platform: PlatformSettings, platform_secrets: SealedSecrets) -> Objects:
    """The object store as the persistence role."""
    return await Objects.connect(platform, "persistence", platform_secrets)


@pytest.fixture
async def tenant(owner_conninfo: str) -> TenantId:
    """A tenant that no other test has, with a limit of 10 calls."""
    name = tenant_id(f"t-{randomness.token_hex(6)}")
    async with await psycopg.AsyncConnection.connect(owner_conninfo) as connection:
        await connection.execute(
            "insert into platform.tenants (tenant, name, call_limit) values (%s, %s, 10)",
            (name, name),
        )
    return name
