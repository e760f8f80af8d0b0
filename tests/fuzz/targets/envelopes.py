"""Messages of the bus: the subject, then headers one a line, an empty line, and the body.

What is read can be sent again, and says the same.
"""

import callfunnel.events.catalogue  # noqa: F401 - registers every message
from callfunnel.domain.errors import Permanent
from callfunnel.events.envelope import Event, from_wire, to_wire
from callfunnel.events.message import BY_TYPE
from tests.fuzz.target import Target

_CALL = "c_" + "a" * 26


def check(data: bytes) -> None:
    head, _, body = data.partition(b"\n\n")
    subject, *pairs = head.decode("utf-8", "replace").split("\n")
    headers = dict(pair.split(": ", 1) for pair in pairs if ": " in pair)
    try:
        event = from_wire(headers, body, subject)
    except Permanent as refused:
        assert len(refused.reason) < 300
        return
    assert isinstance(event, Event)
    raw = subject.split(".")[2] == "raw"
    again = to_wire(event, raw=raw)
    assert again.subject == subject
    assert from_wire(again.headers, again.body, again.subject) == event


def _seed(name: str, body: bytes, seq: str = "ce-seq: 3\n") -> bytes:
    row = BY_TYPE[f"callfunnel.{name}.v1"]
    head = f"cf.demo.{row.family}.{_CALL}.{row.name}\nce-type: {row.type_name}\n{seq}"
    return f"{head}ce-id: {_CALL}-3\nce-time: 2026-01-01T00:00:00.000000Z\n\n".encode() + body


TARGET = Target(
    check=check,
    seeds=(
        _seed("call.caller_spoke", b'{"turn":1,"text":"hi","start_ms":0,"end_ms":5}'),
        _seed("call.tool_called", b'{"tool_call":"t","tool":"look","arguments":{"a":[1]}}'),
        _seed("call.ended", b'{"cause":"silence"}'),
        _seed(
            "audio.segment",
            b"\x84\xa1n\x00\xa5start\x00\xa6caller\xc4\x01\xff\xa5agent\xc4\x00",
            "",
        ),
    ),
    tokens=("\n\n", "ce-seq: ", "\\u0000", *(f"ce-type: {name}" for name in sorted(BY_TYPE))),
)
