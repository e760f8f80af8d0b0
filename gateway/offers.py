"""An offered call, and the pins it may become: taken by a worker, or refused."""

from dataclasses import dataclass

from callfunnel.domain.call import CallSpec, Cause, Channel, Direction, Pin, PinState
from callfunnel.domain.ids import CallId, TenantId, WorkerId
from callfunnel.events.requests import Reserved
from callfunnel.infra.clock import fresh_id, utc_now

NO_WORKER = WorkerId("")


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A call that wants to be taken. `call_limit`: how many the tenant may have at once."""

    tenant: TenantId
    agent: str
    call_limit: int
    channel: Channel
    carrier_call_id: str
    carrier_account: str = ""
    caller: str
    callee: str
    direction: Direction = Direction.INBOUND
    traceparent: str = ""

    @property
    def pin_key(self) -> str:
        return pin_key(self.channel, self.carrier_call_id)


class Refused(Exception):
    """The call is not taken; `reason` is a stable word."""

    def __init__(self, cause: Cause, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause
        self.reason = reason


def is_refused(pin: Pin) -> bool:
    """Whether the call of this pin never got a worker."""
    return pin.worker == NO_WORKER


def pin_key(channel: Channel, carrier_call_id: str) -> str:
    """The registry's key of a call. The carrier's id was checked where it entered."""
    return f"{channel.value}-{carrier_call_id}"


def spec_of(offer: Offer, version: int) -> CallSpec:
    return CallSpec(
        tenant=offer.tenant,
        call=CallId(fresh_id("c")),
        channel=offer.channel,
        direction=offer.direction,
        carrier_call_id=offer.carrier_call_id,
        carrier_account=offer.carrier_account,
        caller=offer.caller,
        callee=offer.callee,
        agent=offer.agent,
        rulebook_version=version,
        offered_at=utc_now(),
        slot="",
        slot_revision=0,
        traceparent=offer.traceparent,
    )


def pinned(spec: CallSpec, worker: WorkerId, reserved: Reserved) -> Pin:
    return Pin(
        tenant=spec.tenant,
        call=spec.call,
        worker=worker,
        epoch=reserved.epoch,
        token=reserved.token,
        media_path=f"/media/{worker}/{reserved.token}",
        spec=spec,
    )


def refused_pin(spec: CallSpec, refused: Refused, treatment: str) -> Pin:
    return Pin(
        tenant=spec.tenant,
        call=spec.call,
        worker=NO_WORKER,
        epoch=0,
        token="",
        media_path="",
        spec=spec,
        state=PinState.REFUSED,
        cause=refused.cause.value,
        apology=treatment,
    )
