"""The catalogue as an AsyncAPI 3.0.0 document. Pure; the generator writes the file.

One channel per message (and one more for its form before redaction), one message, and one
operation for whoever sends and whoever handles it; requests carry their reply.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from callfunnel.events.message import Definition
from callfunnel.events.streams import RAW

Json = dict[str, Any]
CONTRACT = "1.0.0"
"""Version of the contract: its messages carry their own versions besides."""
_ID = "^[A-Za-z0-9_-]{1,64}$"
_DESCRIPTION = (
    "Every message of the bus. Delivery is at least once and in no order: key by ce-id, order the "
    "facts of a call by ce-seq. Unknown fields are to be ignored."
)


def document(definitions: Iterable[Definition]) -> Json:
    """The whole document, as JSON-like data in a stable order."""
    rows = list(definitions)
    forms = [(row, raw) for row in rows for raw in ((False, True) if row.raw else (False,))]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "CallFunnel", "version": CONTRACT, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {
            **{_channel_id(row, raw): _channel(row, raw) for row, raw in forms},
            "reply": {
                "address": None,
                "description": "The inbox of whoever asked.",
                "messages": {name: _ref("messages", name) for name in _replies(rows)},
            },
        },
        "operations": {
            name: operation for row, raw in forms for name, operation in _operations(row, raw)
        },
        "components": {
            "messages": {
                **{row.cls.__name__: _message(row) for row in rows},
                **{name: _reply_message(name) for name in _replies(rows)},
            },
            "schemas": {**_schemas(rows), "Headers": _headers()},
        },
    }


def _channel_id(row: Definition, raw: bool) -> str:
    return f"{'raw' if raw else row.family}.{row.name}"


def _channel(row: Definition, raw: bool) -> Json:
    stream = RAW if raw else row.stream
    kept = f"Kept on stream {stream.name}." if stream else "Kept by no stream."
    before = " Before redaction: for the redaction worker only." if raw else ""
    return {
        "address": f"cf.{{tenant}}.{'raw' if raw else row.family}.{{{row.key}}}.{row.name}",
        "description": f"{row.meaning[0].upper()}{row.meaning[1:]}. {kept}{before}",
        "messages": {row.cls.__name__: _ref("messages", row.cls.__name__)},
        "parameters": {
            "tenant": {"description": "the tenant's slug"},
            row.key: {"description": f"the {row.key}, matching {_ID}"},
        },
    }


def _operations(row: Definition, raw: bool) -> Iterable[tuple[str, Json]]:
    channel_id = _channel_id(row, raw)
    channel = {"$ref": f"#/channels/{channel_id}"}
    message = {"$ref": f"#/channels/{channel_id}/messages/{row.cls.__name__}"}
    reply: Json = {}
    if row.reply is not None:
        name = row.reply.__name__
        reply["reply"] = {
            "channel": {"$ref": "#/channels/reply"},
            "messages": [{"$ref": f"#/channels/reply/messages/{name}"}],
        }
    handlers = "redaction" if raw else ", ".join(_without_redaction(row))
    shared = {"channel": channel, "messages": [message], **reply}
    sender = row.sender if raw or not row.raw else "redaction"
    yield f"send.{channel_id}", {"action": "send", "summary": f"by {sender}", **shared}
    yield f"receive.{channel_id}", {"action": "receive", "summary": f"by {handlers}", **shared}


def _without_redaction(row: Definition) -> list[str]:
    return [name for name in row.handlers if name != "redaction"] or ["whoever listens"]


def _message(row: Definition) -> Json:
    binary = row.codec == "msgpack"
    return {
        "name": row.type_name,
        "title": row.cls.__name__,
        "summary": row.meaning,
        "contentType": "application/msgpack" if binary else "application/json",
        "headers": _ref("schemas", "Headers"),
        "payload": _ref("schemas", row.cls.__name__),
    }


def _reply_message(name: str) -> Json:
    return {"name": name, "title": name, "payload": _ref("schemas", name)}


def _replies(rows: Iterable[Definition]) -> list[str]:
    return list(dict.fromkeys(row.reply.__name__ for row in rows if row.reply is not None))


def _schemas(rows: Iterable[Definition]) -> Json:
    types = [kind for row in rows for kind in (row.cls, row.reply) if kind is not None]
    _, components = msgspec.json.schema_components(
        dict.fromkeys(types), ref_template="#/components/schemas/{name}"
    )
    return {name: _tidy(schema) for name, schema in sorted(components.items())}


def _tidy(schema: Json) -> Json:
    """A docstring's line breaks are the source's, not the reader's."""
    if "description" in schema:
        return {**schema, "description": " ".join(schema["description"].split())}
    return schema


def _headers() -> Json:
    text: Json = {"type": "string"}
    return {
        "type": "object",
        "description": "CloudEvents 1.0, NATS binary mode, with trace context.",
        "required": ["Nats-Msg-Id", "ce-id", "ce-source", "ce-specversion", "ce-time", "ce-type"],
        "properties": {
            "Nats-Msg-Id": {**text, "description": "as ce-id"},
            "ce-specversion": {**text, "const": "1.0"},
            "ce-id": {**text, "description": "the dedup key"},
            "ce-source": {**text, "description": "/tenants/<tenant>/<key>s/<id>"},
            "ce-type": {**text, "description": "callfunnel.<family>.<name>.v<version>"},
            "ce-time": {**text, "format": "date-time"},
            "ce-dataschema": text,
            "ce-datacontenttype": text,
            "ce-seq": {**text, "description": "number of the fact within its call, from 1"},
            "traceparent": {**text, "description": "W3C trace context"},
        },
    }


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}
