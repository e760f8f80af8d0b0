"""What is made or read as a message can be stored by whoever handles it."""

from typing import Any

import msgspec
import pytest

from callfunnel.domain.errors import Permanent
from callfunnel.domain.ids import TenantId
from callfunnel.events.call import CallerSpoke
from callfunnel.events.envelope import Envelope, Event, from_wire, to_wire
from workers.media.models.openai.usage import record_of

CALL = "c_" + "a" * 26
TIME = "2026-01-01T00:00:00.000000Z"


def spoke(text: str, **changes: Any) -> Event[CallerSpoke]:
    envelope = Envelope(id=f"{CALL}-1", tenant=TenantId("demo"), key=CALL, time=TIME, seq=1)
    said = CallerSpoke(turn=1, text=text, start_ms=0, end_ms=1)
    return Event(msgspec.structs.replace(envelope, **changes), said)


def test_a_nul_is_replaced_and_what_only_looks_like_one_is_kept() -> None:
    wire = to_wire(spoke("a\0b\\u0000\\\0"))
    assert b"\\u0000" not in wire.body.replace(b"\\\\u0000", b"")
    assert from_wire(wire.headers, wire.body, wire.subject).data.text == "a\ufffdb\\u0000\\\ufffd"


def test_a_nul_that_somebody_else_wrote_is_replaced_when_it_is_read() -> None:
    wire = to_wire(spoke("a-b"))
    body = wire.body.replace(b"a-b", b"a\\u0000b")
    assert from_wire(wire.headers, body, wire.subject).data.text == "a\ufffdb"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("ce-seq", "0"),
        ("ce-seq", "-1"),
        ("ce-seq", "2147483648"),
        ("ce-seq", "9" * 5000),
        ("ce-seq", "0" + "1" * 40),
        ("ce-id", "a\nb"),
        ("ce-id", "x" * 1000),
        ("ce-time", "\0"),
    ],
)
def test_a_header_that_no_table_takes_is_permanent(header: str, value: str) -> None:
    wire = to_wire(spoke("hi"))
    with pytest.raises(Permanent):
        from_wire({**wire.headers, header: value}, wire.body, wire.subject)


@pytest.mark.parametrize(
    "subject",
    [
        f"cf.demo.call.{CALL}.ended",
        f"cf.demo.usage.{CALL}.caller_spoke",
        "cf.demo.call.c>.caller_spoke",
        f"cf.De mo.call.{CALL}.caller_spoke",
        "cf.demo.call.caller_spoke",
    ],
)
def test_a_message_on_the_subject_of_another_is_permanent(subject: str) -> None:
    wire = to_wire(spoke("hi"))
    with pytest.raises(Permanent):
        from_wire(wire.headers, wire.body, subject)


def test_a_body_nested_beyond_reason_is_permanent() -> None:
    wire = to_wire(spoke("hi"))
    with pytest.raises(Permanent):
        from_wire(wire.headers, b'{"x":' + b"[" * 100_000, wire.subject)


def test_a_providers_id_becomes_part_of_an_events_id_only_if_it_is_a_plain_one() -> None:
    assert record_of("resp_Abc-123") == "resp_Abc-123"
    wild = record_of("a\r\nNats-Msg-Id: b\0")
    assert len(wild) == 32
    assert wild.isalnum()
    assert wild != record_of("a\r\nNats-Msg-Id: c\0")
