"""Ids and subjects where they enter: what is let in is safe in a subject, a key and a file name."""

import re

from callfunnel.domain.errors import InvalidToken
from callfunnel.domain.ids import approval_id, call_id, new_id, tenant_id, token
from callfunnel.events.call import CallEnded
from callfunnel.events.message import parse_subject, subject_of
from tests.fuzz.target import Target

_SAFE = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def check(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for read in (tenant_id, call_id, approval_id, token):
        try:
            known = read(text)
        except InvalidToken:
            continue
        assert known == text
        assert _SAFE.fullmatch(known)
    try:
        address = parse_subject(text)
    except InvalidToken:
        pass
    else:
        assert all(_SAFE.fullmatch(part) for part in text.split("."))
        assert text.split(".")[1] == address.tenant
    made = call_id(new_id("c", int.from_bytes(data[:5], "big"), data[:10].ljust(10, b"\0")))
    assert parse_subject(subject_of(CallEnded, tenant_id("a"), made)).key == made


TARGET = Target(
    check=check,
    seeds=(b"c_" + b"a" * 26, b"apr_" + b"2" * 26, b"demo-1", b"cf.demo.call.c_1.ended", b"a.b"),
    tokens=("c_", "apr_", "cf.", ".", "*", ">", "_platform"),
    most_bytes=128,
)
