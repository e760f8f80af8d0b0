"""Bus in, bus out: facts of calls from RAW, redacted, to CALLS.

Acknowledged on RAW only once CALLS has them; ids stay, so a fact that is redacted twice is one.
"""

from typing import Any

from callfunnel.events.catalogue import definitions
from callfunnel.events.envelope import Event
from callfunnel.infra.bus import Bus, Received
from callfunnel.infra.turns import in_turns
from workers.persistence.redaction.rules import Memory, redact_event

BATCH = 500
FACTS = tuple(row.cls for row in definitions() if row.raw)


def register(bus: Bus) -> None:
    """Adds the consumer of all facts before redaction."""
    memory = Memory()

    @bus.consumer("redaction", *FACTS, raw=True, batch=BATCH)
    async def redact(batch: list[Received[Any]]) -> None:
        events = [
            redact_event(Event(item.envelope, item.data), memory) async for item in in_turns(batch)
        ]
        await bus.publish(*events)
