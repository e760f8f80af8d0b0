"""The facts of a call that was not taken: the gateway is its single writer.

Three facts with fixed ids, so that telling them twice tells them once: offered, refused, ended.
"""

from typing import Protocol

from callfunnel.domain.call import Cause, EndedBy, Pin
from callfunnel.events.call import CallEnded, CallOffered, CallRefused
from callfunnel.events.envelope import Envelope, Event, to_wire
from callfunnel.events.message import Message


class Told(Protocol):
    """The spool's door: returns once the message is on disk."""

    async def emit_durable(
        self, id: str, subject: str, headers: dict[str, str], body: bytes
    ) -> None: ...


def facts(pin: Pin) -> list[Event[Message]]:
    """Offered, refused, ended. The time is the offer's: a repetition is the same to the byte."""
    spec = pin.spec
    offered = CallOffered(
        direction=spec.direction,
        channel=spec.channel,
        carrier_call_id=spec.carrier_call_id,
        caller=spec.caller,
        callee=spec.callee,
        agent=spec.agent,
    )
    refused = CallRefused(reason=pin.cause, treatment="say")
    ended = CallEnded(
        cause=Cause(pin.cause),
        by=EndedBy.PLATFORM,
        duration_ms=0,
        last_seq=2,
        segments=0,
        usage_records=0,
        answered=False,
    )
    numbered: list[tuple[str, int, Message]] = [("1", 1, offered), ("2", 2, refused)]
    return [_event(pin, *each) for each in [*numbered, ("end", 3, ended)]]


class SpooledRefusals:
    """Tells refusals through a spool."""

    def __init__(self, spool: Told) -> None:
        self._spool = spool

    async def tell(self, pin: Pin) -> None:
        """Returns once all three facts are on disk. Raises Temporary when the spool is full."""
        for event in facts(pin):
            wire = to_wire(event, raw=True)
            await self._spool.emit_durable(wire.id, wire.subject, wire.headers, wire.body)


def _event(pin: Pin, tag: str, seq: int, data: Message) -> Event[Message]:
    envelope = Envelope(
        id=f"{pin.call}-{tag}",
        tenant=pin.tenant,
        key=pin.call,
        time=pin.spec.offered_at,
        seq=seq,
        traceparent=pin.spec.traceparent,
    )
    return Event(envelope, data)
