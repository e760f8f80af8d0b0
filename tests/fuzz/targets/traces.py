"""`traceparent` as it comes from outside: carried on when it is one, replaced when it is none."""

from callfunnel.infra.trace import child_of, current_traceparent, tracing
from tests.fuzz.target import Target


def check(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    child = child_of(text)
    assert len(child) == 55
    assert child.isascii()
    with tracing(text):
        assert current_traceparent() in ("", text)
    with tracing(child):
        assert current_traceparent() == child


TARGET = Target(
    check=check,
    seeds=(b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01", b"00-x"),
    tokens=("00-", "-01"),
    most_bytes=128,
)
