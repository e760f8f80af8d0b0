"""The facts that follow from a pin alone: every process that must tell them tells the same.

Their ids are fixed, so a fact that is told by its own speaker and again by the reaper exists once.
"""

from callfunnel.domain.call import CallSpec, Cause, EndedBy, Pin
from callfunnel.domain.ids import WorkerId
from callfunnel.events.call import (
    CallAdmitted,
    CallEnded,
    CallOffered,
    CallPinned,
    CallRefused,
)
from callfunnel.events.envelope import Envelope, Event
from callfunnel.events.message import Message


def opening_facts(spec: CallSpec, worker: WorkerId, epoch: int, slot: str) -> list[Message]:
    """What happened to a call before its media socket: offered, admitted, pinned."""
    return [
        offered(spec),
        CallAdmitted(slot=slot, worker=worker),
        CallPinned(worker=worker, epoch=epoch),
    ]


def refusal_facts(pin: Pin) -> list[Event[Message]]:
    """Offered, refused, ended. The time is the offer's: a repetition is the same to the byte."""
    at = pin.spec.offered_at
    ended = CallEnded(
        cause=Cause(pin.cause),
        by=EndedBy.PLATFORM,
        duration_ms=0,
        last_seq=2,
        segments=0,
        usage_records=0,
        answered=False,
    )
    return [
        fact_of(pin, 1, offered(pin.spec), at),
        fact_of(pin, 2, CallRefused(reason=pin.cause, treatment="say"), at),
        fact_of(pin, 3, ended, at),
    ]


def offered(spec: CallSpec) -> CallOffered:
    """The offer that the call came with."""
    return CallOffered(
        direction=spec.direction,
        channel=spec.channel,
        carrier_call_id=spec.carrier_call_id,
        caller=spec.caller,
        callee=spec.callee,
        agent=spec.agent,
    )


def fact_of(pin: Pin, seq: int, data: Message, at: str) -> Event[Message]:
    """A fact of the pinned call under the id that its speaker would use. `at`: RFC 3339 UTC."""
    tag = "end" if isinstance(data, CallEnded) else str(seq)
    envelope = Envelope(
        id=f"{pin.call}-{tag}",
        tenant=pin.tenant,
        key=pin.call,
        time=at,
        seq=seq,
        traceparent=pin.spec.traceparent,
    )
    return Event(envelope, data)
