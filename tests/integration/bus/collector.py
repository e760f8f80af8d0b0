"""A consumer to be killed: writes each message's id into a table whose key is that id."""

import asyncio
import sqlite3
import sys
from typing import Any

from callfunnel.events.usage import UsageMeasured
from callfunnel.infra.bus import Bus, BusAccess, Received


async def main(url: str, path: str) -> None:
    table = sqlite3.connect(path)
    table.execute("pragma journal_mode=wal")
    table.execute("create table if not exists seen(id text primary key, effects integer)")
    bus = await Bus.open(BusAccess(url=url, name="collector"))

    @bus.consumer("metering", UsageMeasured, batch=20, ack_wait_s=2)
    async def collect(batch: list[Received[Any]]) -> None:
        with table:
            table.executemany(
                "insert into seen values(?, 1) on conflict do nothing",
                [(item.envelope.id,) for item in batch],
            )
        sys.stdout.write("batch\n")
        sys.stdout.flush()

    await bus.start()
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
