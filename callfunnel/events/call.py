"""Facts of a call, told by its single writer: the media worker, or the gateway for a refused call.

Each exists twice: on RAW as it happened, and on CALLS once redacted, with the same id.
"""

from collections.abc import Callable

from callfunnel.domain.call import Cause, Channel, Direction, EndedBy
from callfunnel.events import fields as f
from callfunnel.events.message import M, Message, message
from callfunnel.events.streams import CALLS


def fact(
    name: str, meaning: str, *, also: tuple[str, ...] = (), sender: str = "media"
) -> Callable[[type[M]], type[M]]:
    """Registers a fact of a call: family `call`, keyed by the call, redacted on its way."""
    return message(
        kind="event",
        family="call",
        name=name,
        key="call",
        stream=CALLS,
        raw=True,
        sender=sender,
        handlers=("redaction", "timeline", *also),
        meaning=meaning,
    )


@fact("offered", "a carrier, a person or the API offers a call", sender="media, gateway, reaper")
class CallOffered(Message, frozen=True, kw_only=True):
    direction: Direction
    channel: Channel
    carrier_call_id: str
    caller: f.Phone
    callee: f.Phone
    agent: str


@fact("admitted", "every scarce thing the call needs was leased", sender="media, reaper")
class CallAdmitted(Message, frozen=True, kw_only=True):
    slot: str
    worker: str


@fact("refused", "the call was not taken; the caller got the treatment", sender="gateway, reaper")
class CallRefused(Message, frozen=True, kw_only=True):
    reason: str
    treatment: str


@fact("pinned", "the call belongs to one media worker", sender="media, reaper")
class CallPinned(Message, frozen=True, kw_only=True):
    worker: str
    epoch: int


@fact("connected", "media flows both ways")
class CallConnected(Message, frozen=True, kw_only=True):
    codec: str
    rulebook: str
    rulebook_version: int
    recorded: bool


@fact("model_connected", "the model's session is ready")
class ModelConnected(Message, frozen=True, kw_only=True):
    provider: str
    model: str
    setup_ms: f.Milliseconds


@fact("model_lost", "the model refused, stalled, spoke wrong formats or went away")
class ModelLost(Message, frozen=True, kw_only=True):
    provider: str
    reason: str


@fact("caller_spoke", "a turn of the caller, as text")
class CallerSpoke(Message, frozen=True, kw_only=True):
    turn: f.Turn
    text: f.Spoken
    start_ms: f.PositionMs
    end_ms: f.PositionMs
    confidence: int = 100
    source: str = "model"


@fact("agent_spoke", "a turn of the agent: the text that was heard, not what was generated")
class AgentSpoke(Message, frozen=True, kw_only=True):
    turn: f.Turn
    text: f.Spoken
    start_ms: f.PositionMs
    heard_ms: f.Milliseconds
    generated_ms: f.Milliseconds
    interrupted: bool


@fact("agent_interrupted", "the caller talked over the agent and the agent stopped")
class AgentInterrupted(Message, frozen=True, kw_only=True):
    turn: f.Turn
    by: str
    at_ms: f.PositionMs


@fact("agent_paused", "the agent may be interrupted: playback waits for the verdict")
class AgentPaused(Message, frozen=True, kw_only=True):
    turn: f.Turn
    at_ms: f.PositionMs


@fact("agent_resumed", "it was no interruption: playback went on where it stopped")
class AgentResumed(Message, frozen=True, kw_only=True):
    turn: f.Turn
    paused_ms: f.Milliseconds


@fact("tool_called", "the model asked for a tool")
class ToolCalled(Message, frozen=True, kw_only=True):
    tool_call: str
    tool: str
    arguments: f.Personal


@fact("tool_returned", "a tool answered, failed, expired or is pending approval")
class ToolReturned(Message, frozen=True, kw_only=True):
    tool_call: str
    tool: str
    outcome: str
    result: f.Personal
    duration_ms: f.Milliseconds


@fact("approval_requested", "a person must decide before the tool may act")
class ApprovalRequested(Message, frozen=True, kw_only=True):
    approval: str
    tool_call: str
    what: f.Spoken
    limit: str
    asked: str
    expires_at: str


@fact("approval_decided", "a person decided")
class ApprovalDecided(Message, frozen=True, kw_only=True):
    approval: str
    tool_call: str
    decision: str
    by: str
    via: str


@fact("approval_expired", "nobody decided in time")
class ApprovalExpired(Message, frozen=True, kw_only=True):
    approval: str
    tool_call: str


@fact("key_pressed", "a key of the caller's phone")
class KeyPressed(Message, frozen=True, kw_only=True):
    digit: str
    at_ms: f.PositionMs


@fact("transfer_started", "the call is handed to a person")
class TransferStarted(Message, frozen=True, kw_only=True):
    to: f.Phone
    kind: str


@fact("turn_measured", "the latency marks of one turn")
class TurnMeasured(Message, frozen=True, kw_only=True):
    """Marks are positions in the call; a mark that never happened is absent.

    `speech_end_ms` is the last voiced frame, `committed_ms` the moment the turn was taken as
    over, `model_ms` the model's first audio, `sent_ms` the first frame sent to the carrier and
    `played_ms` the first confirmed as played. `response_ms` = sent - speech end.
    """

    turn: f.Turn
    speech_end_ms: f.PositionMs
    committed_ms: f.PositionMs | None = None
    model_ms: f.PositionMs | None = None
    sent_ms: f.PositionMs | None = None
    played_ms: f.PositionMs | None = None
    response_ms: f.Milliseconds | None = None


@fact(
    "ended",
    "the call is over; exactly one per call, whoever tells it",
    also=("recordings", "metering", "settlement"),
    sender="media, gateway, reaper",
)
class CallEnded(Message, frozen=True, kw_only=True):
    """`last_seq`, `segments` and `usage_records` say how much there is to collect.

    The reaper counts the usage that is on the bus; `segments` is -1, which it cannot know.
    `answered` is false when no media ever flowed. `refused_segments` found no room on the worker's
    disk: they are silence in the recording, and nobody waits for them.
    """

    cause: Cause
    by: EndedBy
    duration_ms: f.Milliseconds
    last_seq: f.Count
    segments: int
    usage_records: int
    answered: bool
    note: str = ""
    refused_segments: f.Count = 0
