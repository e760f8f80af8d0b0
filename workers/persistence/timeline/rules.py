"""What a timeline is: the form of its rows, when it is complete, and its digest."""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from callfunnel.domain.ids import TenantId
from callfunnel.events.call import CallEnded
from callfunnel.events.envelope import Envelope
from callfunnel.events.message import Message, definition_of
from callfunnel.events.settled import TimelineCompleted

END_TYPE: Final = definition_of(CallEnded).type_name
_CANONICAL = msgspec.json.Encoder(order="sorted")


class Row(msgspec.Struct, frozen=True):
    """One fact as it is stored."""

    tenant: TenantId
    call: str
    id: str
    seq: int | None
    type: str
    at: str
    data: Any
    traceparent: str = ""


def row_of(envelope: Envelope, data: Message) -> Row:
    """The row of one fact."""
    return Row(
        tenant=envelope.tenant,
        call=envelope.key,
        id=envelope.id,
        seq=envelope.seq,
        type=definition_of(type(data)).type_name,
        at=envelope.time,
        data=data,
        traceparent=envelope.traceparent,
    )


def is_complete(last_seq: int, seqs: Sequence[int]) -> bool:
    """Whether every number from 1 to `last_seq` is there, once or more."""
    return len({seq for seq in seqs if 1 <= seq <= last_seq}) == last_seq


def completed(facts: Sequence[Row]) -> tuple[TimelineCompleted, str] | None:
    """The news that a call's timeline has no gap, and the trace of its end; None while it has one.

    `digest` is the SHA-256 of the facts up to `last_seq` and the end, one canonical JSON object
    (sorted keys, no spaces) `{at, data, id, seq, type}` a line, ordered by `seq` with the end last.
    """
    end = next((fact for fact in facts if fact.type == END_TYPE), None)
    if end is None:
        return None
    last_seq = int(end.data["last_seq"])
    told = [fact for fact in facts if fact.seq is not None and fact.type != END_TYPE]
    if not is_complete(last_seq, [fact.seq for fact in told if fact.seq is not None]):
        return None
    ordered = sorted(
        (fact for fact in told if (fact.seq or 0) <= last_seq), key=lambda row: (row.seq, row.id)
    )
    news = TimelineCompleted(last_seq=last_seq, digest=_digest([*ordered, end]))
    return news, end.traceparent


def _digest(facts: Sequence[Row]) -> str:
    total = hashlib.sha256()
    for fact in facts:
        line = {"at": fact.at, "data": fact.data, "id": fact.id, "seq": fact.seq, "type": fact.type}
        total.update(_CANONICAL.encode(line) + b"\n")
    return total.hexdigest()
