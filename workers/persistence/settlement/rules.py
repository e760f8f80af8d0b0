"""The sealed record: what it holds, what it lacks, and its digest."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from callfunnel.domain.ids import TenantId
from callfunnel.events.call import CallEnded
from callfunnel.events.message import Message
from callfunnel.events.settled import CallRated, RecordingStored, TimelineCompleted

DEADLINE_S: Final = 1200.0
"""How long after a call's end its record is sealed with what is there. What its worker counted is
on a disk or on the bus and comes once what holds it up is mended; recording and bill stop waiting
before."""
UNKNOWN_DEADLINE_S: Final = 30.0
"""The same for a call whose worker was lost: nobody knows whether anything is still to come."""
PARTS: Final[Mapping[type[Message], str]] = {
    CallEnded: "ended",
    TimelineCompleted: "timeline",
    RecordingStored: "recording",
    CallRated: "rated",
}
_CANONICAL = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True)
class Parts:
    """What has come about a call; None is not there yet."""

    tenant: TenantId
    call: str
    ended: Mapping[str, Any]
    timeline: Mapping[str, Any] | None
    recording: Mapping[str, Any] | None
    rated: Mapping[str, Any] | None
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Sealed:
    """`digest` is the SHA-256 of `canonical` in UTF-8, hexadecimal."""

    canonical: str
    digest: str
    missing: tuple[str, ...]


def missing(parts: Parts) -> tuple[str, ...]:
    """What never came. A bill that is known to lack usage counts as missing usage."""
    there = {
        "timeline": parts.timeline is not None,
        "recording": parts.recording is not None,
        "usage": parts.rated is not None and bool(parts.rated["complete"]),
    }
    return tuple(name for name, present in there.items() if not present)


def sealed(parts: Parts, sealed_at: str) -> Sealed:
    """The record as canonical JSON: sorted keys, no spaces, integers only."""
    lacks = missing(parts)
    record = {
        "call": parts.call,
        "ended": parts.ended,
        "missing": lacks,
        "rated": parts.rated,
        "recording": parts.recording,
        "sealed_at": sealed_at,
        "tenant": parts.tenant,
        "timeline": parts.timeline,
        "version": 1,
    }
    canonical = _CANONICAL.encode(record)
    return Sealed(canonical.decode(), hashlib.sha256(canonical).hexdigest(), lacks)
