"""The envelope: CloudEvents 1.0 in NATS binary mode, as headers; the body is the data only."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec

from callfunnel.domain.errors import InvalidToken, Permanent
from callfunnel.domain.ids import TenantId
from callfunnel.events.message import (
    BY_TYPE,
    Address,
    Definition,
    Message,
    definition_of,
    parse_subject,
    subject_of,
)

D = TypeVar("D", bound=Message)

_JSON = msgspec.json.Encoder()
_MOST = 2**31 - 1
_SEQ = re.compile("[1-9][0-9]{0,9}")
_LONGEST = 300
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_MSGPACK = msgspec.msgpack.Encoder()
_DECODERS: dict[type[Message], msgspec.json.Decoder[Any] | msgspec.msgpack.Decoder[Any]] = {}


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a message but its data.

    `id` is the dedup key everywhere. `key` is the subject's key: the call, approval or worker.
    `seq` numbers the facts of a call, from 1, by the call's single writer; None elsewhere.
    `time` is RFC 3339 UTC with microseconds.
    """

    id: str
    tenant: TenantId
    key: str
    time: str
    seq: int | None = None
    traceparent: str = ""


class Event(msgspec.Struct, Generic[D], frozen=True):
    """A message with its envelope."""

    envelope: Envelope
    data: D


class Wire(msgspec.Struct, frozen=True):
    """A message as it goes to the bus."""

    id: str
    subject: str
    headers: dict[str, str]
    body: bytes


def to_wire(event: Event[Any], *, raw: bool = False) -> Wire:
    """Encodes an event; `raw=True` addresses the stream before redaction. May InvalidToken."""
    envelope, row = event.envelope, definition_of(type(event.data))
    subject = subject_of(row.cls, envelope.tenant, envelope.key, raw=raw)
    return Wire(envelope.id, subject, _headers(envelope, row), encode(event.data, row.codec))


def from_wire(headers: Mapping[str, str] | None, body: bytes, subject: str) -> Event[Any]:
    """Decodes what the bus delivered. Raises Permanent when it is not a message of ours."""
    if not headers or "ce-type" not in headers:
        raise Permanent("no ce-type header")
    row = BY_TYPE.get(headers["ce-type"])
    if row is None:
        raise Permanent(f"unknown type {headers['ce-type'][:80]}")
    try:
        address = parse_subject(subject)
        data = _decoder(row).decode(_storable(body) if row.codec == "json" else body)
    except InvalidToken as error:
        raise Permanent(f"{row.type_name} on a subject that is none of ours") from error
    except (ValueError, msgspec.DecodeError, RecursionError) as error:
        raise Permanent(f"{row.type_name} cannot be decoded: {type(error).__name__}") from error
    if address.name != row.name or address.family not in (row.family, "raw" if row.raw else ""):
        raise Permanent(f"{row.type_name} on the subject of another message")
    return Event(_envelope(address, headers), data)


def encode(data: msgspec.Struct, codec: str = "json") -> bytes:
    """The body of a message or reply. A NUL, which no database stores as text, is replaced."""
    return _storable(_JSON.encode(data)) if codec == "json" else _MSGPACK.encode(data)


def _envelope(address: Address, headers: Mapping[str, str]) -> Envelope:
    """Raises Permanent for what would fail later, wherever it is stored: a number that is none,
    an id or a time that is no plain text."""
    seq, ident = headers.get("ce-seq"), headers.get("ce-id", "")
    if seq is not None and not (_SEQ.fullmatch(seq) and int(seq) <= _MOST):
        raise Permanent("its ce-seq is no number of a fact")
    time, trace = headers.get("ce-time", ""), headers.get("traceparent", "")
    if not (_is_plain(ident) and _is_plain(time) and _is_plain(trace)):
        raise Permanent("a header is no plain text")
    return Envelope(
        id=ident,
        tenant=address.tenant,
        key=address.key,
        time=time,
        seq=None if seq is None else int(seq),
        traceparent=trace,
    )


def _is_plain(text: str) -> bool:
    return len(text) <= _LONGEST and text.isascii() and text.isprintable()


def _storable(body: bytes) -> bytes:
    return _NUL.sub(rb"\1\\ufffd", body) if b"\\u0000" in body else body


def _headers(envelope: Envelope, row: Definition) -> dict[str, str]:
    headers = {
        "Nats-Msg-Id": envelope.id,
        "ce-id": envelope.id,
        "ce-source": f"/tenants/{envelope.tenant}/{row.key}s/{envelope.key}",
        "ce-time": envelope.time,
        **_fixed_headers(row.cls),
    }
    if envelope.seq is not None:
        headers["ce-seq"] = str(envelope.seq)
    if envelope.traceparent:
        headers["traceparent"] = envelope.traceparent
    return headers


@cache
def _fixed_headers(cls: type[Message]) -> dict[str, str]:
    """What every message of the class says."""
    row = definition_of(cls)
    return {
        "ce-specversion": "1.0",
        "ce-type": row.type_name,
        "ce-dataschema": f"urn:callfunnel:schema:{row.family}:{row.name}:{row.version}",
        "ce-datacontenttype": "application/json" if row.codec == "json" else "application/msgpack",
    }


def _decoder(row: Definition) -> msgspec.json.Decoder[Any] | msgspec.msgpack.Decoder[Any]:
    if row.cls not in _DECODERS:
        make = msgspec.json.Decoder if row.codec == "json" else msgspec.msgpack.Decoder
        _DECODERS[row.cls] = make(row.cls)
    return _DECODERS[row.cls]
