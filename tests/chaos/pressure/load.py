"""A second talker: tells made-up calls through a spool of its own, as a media worker would.

    python -m tests.chaos.pressure.load HOME SECONDS EVENTS_PER_SECOND

Prints how many messages its spool took and refused, once the bus has all of them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from callfunnel.cli.stack import DEMO, running
from callfunnel.domain.errors import Temporary
from callfunnel.events.envelope import to_wire
from callfunnel.infra.connection import access_for, connect
from callfunnel.infra.secrets import open_secrets
from callfunnel.infra.spool import Spool
from tests.simulators.made_up_call import whole_call

FACTS = 20
DRAINS_WITHIN_S = 300.0


async def main(home: Path, seconds: float, per_s: float) -> dict[str, int]:
    """Talks for so long, evenly."""
    platform = running(str(home)).platform
    access = await access_for(platform, "media", open_secrets(platform.secrets))
    client = await connect(access, lambda: None)
    spool = await Spool.open(home / "spool" / "load-1")
    await spool.send_through(client)
    loop = asyncio.get_running_loop()
    began, told = loop.time(), 0
    while (now := loop.time() - began) < seconds:
        if told < now * per_s:
            told += _tell(spool)
        else:
            await asyncio.sleep(0.01)
    await spool.drain(DRAINS_WITHIN_S)
    stats = spool.stats
    await spool.close()
    await client.close()
    return {"accepted": stats.emitted, "refused": stats.refused, "left": stats.backlog}


def _tell(spool: Spool) -> int:
    """One whole call; how many messages that were."""
    call = whole_call(DEMO, seconds=1, facts=FACTS)
    raw = [*call.facts, call.ended()]
    wires = [to_wire(each, raw=True) for each in raw]
    wires += [to_wire(each) for each in (*call.audio, *call.usage)]
    for wire in wires:
        try:
            spool.emit(wire.id, wire.subject, wire.headers, wire.body)
        except Temporary:
            continue  # the spool counts it
    return len(wires)


if __name__ == "__main__":
    where, how_long, how_many = sys.argv[1:]
    print(json.dumps(asyncio.run(main(Path(where), float(how_long), float(how_many)))))
