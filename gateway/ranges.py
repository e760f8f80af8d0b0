"""HTTP byte ranges (RFC 9110): which part of a body was asked for. Pure; one range at a time."""

import re
from typing import NamedTuple

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)


class Span(NamedTuple):
    """Bytes `first` to `last`, both included; `partial` when it is not simply everything."""

    first: int
    last: int
    partial: bool

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def span_of(header: str | None, size: int) -> Span | None:
    """The span of a body of `size` bytes (at least 1); None when it lies beyond the body.

    No header, several ranges or another unit ask for everything, as the standard allows.
    """
    whole = Span(0, size - 1, partial=False)
    match = _RANGE.fullmatch((header or "").replace(" ", ""))
    if match is None or not (match[1] or match[2]):
        return whole
    if not match[1]:
        length = min(int(match[2]), size)
        return Span(size - length, size - 1, partial=True) if length else None
    first = int(match[1])
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    if match[2] and int(match[2]) < first:
        return whole
    return Span(first, last, partial=True) if first < size else None
