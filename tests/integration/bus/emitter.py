"""A publisher to be killed: prints each id once the spool has promised it."""

import asyncio
import sys
from pathlib import Path

from callfunnel.infra.lean import LeanClient
from callfunnel.infra.spool import Spool, Tally


async def main(url: str, folder: str, life: str) -> None:
    client = LeanClient()
    await client.connect(url)
    spool = await Spool.open(Path(folder))
    await spool.send_through(client)
    call = f"c{life}"
    spool.open_call(call, b"opened")
    for n in range(1, 100_000):
        tally = Tally(call, seq=n, segments=1)
        if n % 10:
            spool.emit(f"{call}-{n}", "e.a", {}, b"x" * 300, tally)
        else:
            await spool.emit_durable(f"{call}-{n}", "e.a", {}, b"x" * 300, tally)
            sys.stdout.write(f"{call}-{n}\n")
            sys.stdout.flush()


asyncio.run(main(*sys.argv[1:]))
