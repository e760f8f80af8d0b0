"""Range headers: the size of the body on the first line, then the header."""

from gateway.ranges import span_of
from tests.fuzz.target import Target, lines


def check(data: bytes) -> None:
    first, header = lines(data, 2)
    size = max(1, int(first) if first.isascii() and first.isdigit() and len(first) < 16 else 1)
    span = span_of(header, size)
    if span is not None:
        assert 0 <= span.first <= span.last < size
        assert span.partial or span.length == size


TARGET = Target(
    check=check,
    seeds=(b"100\nbytes=0-9", b"100\nbytes=-5", b"100\nbytes=90-", b"1\nbytes=1-,2-3"),
    tokens=("bytes=", "-", ","),
    most_bytes=128,
)
