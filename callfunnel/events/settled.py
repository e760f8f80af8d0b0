"""What the workers behind the call say about it: facts without a seq, published on CALLS only."""

from collections.abc import Callable

from callfunnel.events import fields as f
from callfunnel.events.message import M, Message, message
from callfunnel.events.streams import CALLS


def _about(name: str, meaning: str, sender: str, *handlers: str) -> Callable[[type[M]], type[M]]:
    return message(
        kind="event",
        family="call",
        name=name,
        key="call",
        stream=CALLS,
        sender=sender,
        handlers=handlers,
        meaning=meaning,
    )


@_about("timeline_completed", "no gap is left in the call's timeline", "timeline", "settlement")
class TimelineCompleted(Message, frozen=True, kw_only=True):
    """`digest` is the SHA-256 of the facts up to `last_seq` and the end: a canonical JSON object
    `{at, data, id, seq, type}` a line, ordered by `seq`, the end last.
    """

    last_seq: f.Count
    digest: str


@_about(
    "recording_stored",
    "both sides are one object in S3",
    "recordings",
    "timeline",
    "settlement",
    "metering",
)
class RecordingStored(Message, frozen=True, kw_only=True):
    """`object_key` is "" and `duration_ms` 0 for a call that had no audio or is not recorded."""

    object_key: str
    codec: str
    duration_ms: f.Milliseconds
    size: f.Count
    sha256: str
    segments: f.Count
    missing_segments: f.Count


@_about(
    "rated", "all usage of the call is counted and priced", "metering", "timeline", "settlement"
)
class CallRated(Message, frozen=True, kw_only=True):
    """The bill at the time of rating. Not `complete`: usage that must exist had not come in time,
    or nobody can know how much there is; what comes later adds lines to the bill.
    """

    amount_micros: f.Micros
    currency: str
    price_book: str
    lines: f.Count
    complete: bool


@_about("settled", "the call record is sealed", "settlement", "timeline")
class CallSettled(Message, frozen=True, kw_only=True):
    """`missing` names what had not come in time (`timeline`, `recording`, `usage`); best empty.

    `digest` is the SHA-256 of the sealed record's canonical JSON.
    """

    digest: str
    missing: list[str]
    sealed_at: str
