"""The facts of a call that was not taken: the gateway is its single writer.

Three facts with fixed ids, so that telling them twice tells them once: offered, refused, ended.
"""

from typing import Protocol

from callfunnel.domain.call import Pin
from callfunnel.events.envelope import to_wire
from callfunnel.events.pinned import refusal_facts


class Told(Protocol):
    """The spool's door: returns once the message is on disk."""

    async def emit_durable(
        self, id: str, subject: str, headers: dict[str, str], body: bytes
    ) -> None: ...


class SpooledRefusals:
    """Tells refusals through a spool."""

    def __init__(self, spool: Told) -> None:
        self._spool = spool

    async def tell(self, pin: Pin) -> None:
        """Returns once all three facts are on disk. Raises Temporary when the spool is full."""
        for event in refusal_facts(pin):
            wire = to_wire(event, raw=True)
            await self._spool.emit_durable(wire.id, wire.subject, wire.headers, wire.body)
