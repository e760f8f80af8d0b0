"""A reader of a tenant's feed as the gateway serves it, from the beginning: a role of `backlog`."""

import asyncio
import os
import sys
import time
from collections.abc import Iterable
from contextlib import aclosing

import uvloop

from bench.harness.processes import announce
from callfunnel.domain.ids import CallId, TenantId
from callfunnel.infra.bus import Bus
from callfunnel.infra.secrets import open_secrets
from callfunnel.infra.settings import PlatformSettings
from gateway.feed import Feeds
from gateway.ordering import CallFact
from gateway.wiring import ROLE


async def no_rows(_: TenantId, __: CallId) -> Iterable[CallFact]:
    """A tenant's feed asks no timeline."""
    return ()


async def main(tenant: TenantId, count: int) -> None:
    """Announces how many facts a second were encoded for the reader."""
    settings = PlatformSettings.from_env(os.environ)
    bus = await Bus.connect(settings, ROLE, open_secrets(settings.secrets))
    feeds, began, seen = Feeds(bus, no_rows), time.monotonic(), 0
    until = asyncio.get_running_loop().time() + 120
    async with aclosing(feeds.tenant(tenant, 0, until)) as chunks:
        async for chunk in chunks:
            seen += b"\ndata: " in chunk
            if seen == count:
                break
    took, used = time.monotonic() - began, time.process_time()
    announce(rate=seen / took, each_us=used / max(1, seen) * 1e6)
    await bus.stop()


if __name__ == "__main__":
    uvloop.run(main(TenantId(sys.argv[1]), int(sys.argv[2])))
