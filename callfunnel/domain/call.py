"""What a call is made of: direction, channel, cause of its end, and its place in the registry."""

import enum

import msgspec

from callfunnel.domain.ids import CallId, TenantId, WorkerId


class Cause(enum.StrEnum):
    """Why a call ended. The first cause wins; later ones are notes."""

    CALLER_HANGUP = "caller_hangup"
    AGENT_HANGUP = "agent_hangup"
    OPERATOR_HANGUP = "operator_hangup"
    TRANSFERRED = "transferred"
    MAX_DURATION = "max_duration"
    SILENCE = "silence"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    INVALID_NUMBER = "invalid_number"
    CARRIER_FAILED = "carrier_failed"
    MEDIA_LOST = "media_lost"
    MODEL_FAILED = "model_failed"
    WORKER_LOST = "worker_lost"
    REFUSED_BUSY = "refused_busy"
    REFUSED_POLICY = "refused_policy"
    REFUSED_IDENTITY = "refused_identity"
    DRAINED = "drained"


class EndedBy(enum.StrEnum):
    """Who ended the call."""

    CALLER = "caller"
    AGENT = "agent"
    OPERATOR = "operator"
    PLATFORM = "platform"
    REAPER = "reaper"


class Channel(enum.StrEnum):
    """How the caller's audio reaches the worker."""

    TWILIO = "twilio"
    BROWSER = "browser"


class Direction(enum.StrEnum):
    """Who placed the call."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class CallSpec(msgspec.Struct, frozen=True, kw_only=True):
    """All a worker must know to take a call: sent with the reservation, kept in the pin."""

    tenant: TenantId
    call: CallId
    channel: Channel
    direction: Direction
    carrier_call_id: str
    carrier_account: str = ""
    caller: str
    callee: str
    agent: str
    rulebook_version: int
    offered_at: str
    slot: str
    slot_revision: int
    traceparent: str = ""


class PinState(enum.StrEnum):
    """How far a call's pin is. `REFUSED`: not taken, and its facts may not be told yet;
    `REAPING`: its worker is gone and a reaper has begun to speak for it; if that one dies, the
    next one says the same."""

    PINNED = "pinned"
    REFUSED = "refused"
    REAPING = "reaping"
    ENDED = "ended"


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """The registry's record of one call, keyed by the carrier's call id, changed by CAS only.

    `next_dial` is the number the carrier dials once the media socket has closed (a transfer).
    """

    tenant: TenantId
    call: CallId
    worker: WorkerId
    epoch: int
    token: str
    media_path: str
    spec: CallSpec
    state: PinState = PinState.PINNED
    cause: str = ""
    next_dial: str = ""
    apology: str = ""


class WorkerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A media worker's own word about itself, leased: gone when the worker is."""

    worker: WorkerId
    url: str
    slots: int
    used: int
    draining: bool
    model: str
    at: str


class SlotHolder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds one of a tenant's concurrent-call slots; free once that worker's lease is gone."""

    call: CallId
    worker: WorkerId
    epoch: int
