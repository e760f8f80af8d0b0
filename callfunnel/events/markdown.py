"""The catalogue as a page for people: subjects.md. Pure; the generator writes the file."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from callfunnel.events.message import Definition
from callfunnel.events.streams import BUCKETS, STREAMS, Stream

_HOUR, _DAY = 3600, 86400
HEAD = """# Subjects

Every message of CallFunnel's bus. Generated from `callfunnel/events` by
`python -m callfunnel.events.generator`; do not edit.

A subject is `cf.<tenant>.<family>.<key>.<name>`. Headers are CloudEvents 1.0 in NATS binary mode
(`ce-id` is the dedup key everywhere, `ce-seq` numbers the facts of a call) with the W3C
`traceparent`; the body holds the data only. Unknown fields are ignored when read; a new optional
field keeps the version. Delivery is at least once and in no order: key by `ce-id`, order by
`ce-seq`. Facts marked *raw too* exist first on RAW, as they happened, and then on CALLS under the
same id, redacted; fields marked *redacted* are rewritten on that way.
"""


def page(definitions: Iterable[Definition]) -> str:
    """The whole page."""
    rows = list(definitions)
    parts = [HEAD, *_streams(), *_buckets()]
    for family in dict.fromkeys(row.family for row in rows):
        parts += _family(family, [row for row in rows if row.family == family])
    parts += _dead()
    return "\n".join(parts).rstrip() + "\n"


def _streams() -> Iterator[str]:
    yield "## Streams\n"
    yield "| stream | subjects | keeps | when full | holds |\n|---|---|---|---|---|"
    for stream in STREAMS:
        subjects = "<br>".join(f"`{subject}`" for subject in stream.subjects)
        yield _row(stream.name, subjects, _age(stream.max_age_s), _full(stream), stream.meaning)
    yield ""


def _buckets() -> Iterator[str]:
    yield "## Key-value buckets\n"
    yield "| bucket | key | keeps | holds |\n|---|---|---|---|"
    for bucket in BUCKETS:
        keeps = _age(bucket.max_age_s) if bucket.max_age_s else "until deleted or expired"
        yield _row(f"`{bucket.name}`", f"`{bucket.key}`", keeps, bucket.meaning)
    yield ""


def _family(family: str, rows: list[Definition]) -> Iterator[str]:
    yield f"## Family `{family}`\n"
    yield "| message | subject | stream | sent by | handled by | meaning |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        subject = f"`cf.<tenant>.{row.family}.<{row.key}>.{row.name}`"
        yield _row(
            f"[{row.cls.__name__}](#{row.cls.__name__.lower()})",
            subject,
            _stream(row),
            row.sender,
            ", ".join(row.handlers),
            row.meaning,
        )
    yield ""
    for row in rows:
        yield from _message(row)


def _message(row: Definition) -> Iterator[str]:
    yield f"### {row.cls.__name__}\n"
    yield f"`{row.type_name}`, {row.codec}: {row.meaning}."
    doc = _doc(row.cls)
    yield f"\n{doc}\n" if doc else ""
    yield from _fields(row.cls)
    if row.reply is not None:
        yield f"Answered with `{row.reply.__name__}`. {_doc(row.reply)}\n"
        yield from _fields(row.reply)


def _fields(cls: type[msgspec.Struct]) -> Iterator[str]:
    yield "| field | type | |\n|---|---|---|"
    info = msgspec.inspect.type_info(cls)
    assert isinstance(info, msgspec.inspect.StructType)  # noqa: S101 - narrows a known type
    for field in info.fields:
        kind, notes = _kind(field.type)
        if not field.required:
            notes = ["optional", *notes]
        yield _row(f"`{field.encode_name}`", kind, "; ".join(notes))
    yield ""


def _kind(kind: msgspec.inspect.Type) -> tuple[str, list[str]]:
    """A field's type in a word, and what its annotation says."""
    match kind:
        case msgspec.inspect.Metadata(type=inner):
            word, notes = _kind(inner)
            described = (kind.extra_json_schema or {}).get("description")
            redacted = ["redacted"] if "redact" in (kind.extra or {}) else []
            return word, [*([described] if described else []), *notes, *redacted]
        case msgspec.inspect.EnumType(cls=cls):
            return " ".join(f"`{member.value}`" for member in cls), []
        case msgspec.inspect.StructType(cls=cls):
            return cls.__name__, []
        case msgspec.inspect.UnionType(types=types):
            words = [_kind(one)[0] for one in types]
            return " or ".join(words), [note for one in types for note in _kind(one)[1]]
        case msgspec.inspect.ListType(item_type=item):
            return f"list of {_kind(item)[0]}", _kind(item)[1]
    return _WORDS.get(type(kind), type(kind).__name__.removesuffix("Type").lower()), []


_WORDS: dict[type[Any], str] = {
    msgspec.inspect.StrType: "text",
    msgspec.inspect.IntType: "integer",
    msgspec.inspect.BoolType: "true or false",
    msgspec.inspect.BytesType: "bytes",
    msgspec.inspect.DictType: "object",
    msgspec.inspect.NoneType: "null",
    msgspec.inspect.AnyType: "anything",
}


def _dead() -> Iterator[str]:
    yield "## Dead letters\n"
    yield (
        "`dead.<durable>.<original subject>`: a message no try will help, as it was, with"
        " `cf-dead-reason`, `cf-dead-at`, `cf-dead-durable`, `cf-dead-stream`, `cf-dead-sequence`"
        " and `cf-dead-delivered` added to its headers. `callfunnel dead list|show|replay`."
    )


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("\n", " ").replace("|", "\\|") for cell in cells) + " |"


def _stream(row: Definition) -> str:
    if row.stream is None:
        return "none (request-reply)" if row.kind == "request" else "none"
    return f"{row.stream.name}, raw too" if row.raw else row.stream.name


def _age(seconds: int) -> str:
    if seconds % _DAY == 0:
        return f"{seconds // _DAY} d"
    return f"{seconds // _HOUR} h"


def _full(stream: Stream) -> str:
    return "refuses; spools wait" if stream.discard_new else "drops the oldest"


def _doc(cls: type[Any]) -> str:
    """A class's own docstring as one paragraph; msgspec's generated ones are none."""
    text = cls.__doc__ or ""
    return " ".join(text.split()) if cls.__dict__.get("__doc__") else ""
