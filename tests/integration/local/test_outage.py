"""The database goes and comes back under a pool that is in use."""

import asyncio
import time

from callfunnel.domain.errors import Temporary
from callfunnel.domain.ids import TenantId
from callfunnel.infra.postgres import Pool, connect_pool, tenant_connection
from callfunnel.infra.sealed import SealedSecrets
from callfunnel.infra.settings import PlatformSettings
from callfunnel.local.private_stack import PrivateStack

DEMO = TenantId("demo")


async def works(pool: Pool) -> bool:
    try:
        async with tenant_connection(pool, DEMO) as connection:
            await connection.execute("select 1")
    except Temporary:
        return False
    return True


async def test_a_pool_outlives_the_database(
    stack: PrivateStack, platform: PlatformSettings, platform_secrets: SealedSecrets
) -> None:
    pool = await connect_pool(platform, "billing", platform_secrets)
    try:
        assert all(await asyncio.gather(*(works(pool) for _ in range(8))))
        stack.kill("postgres")
        assert not await works(pool)
        stack.restart("postgres")
        back = time.monotonic()
        while not await works(pool):
            assert time.monotonic() - back < 15
        assert all(await asyncio.gather(*(works(pool) for _ in range(8))))
    finally:
        await pool.close()
