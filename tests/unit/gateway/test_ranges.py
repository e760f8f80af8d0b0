"""Byte ranges as HTTP has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ranges import Span, span_of


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, Span(0, 99, partial=False)),
        ("bytes=0-", Span(0, 99, partial=True)),
        ("bytes=10-19", Span(10, 19, partial=True)),
        ("bytes=90-1000", Span(90, 99, partial=True)),
        ("bytes=-5", Span(95, 99, partial=True)),
        ("bytes=-500", Span(0, 99, partial=True)),
        ("bytes=100-", None),
        ("bytes=-0", None),
        ("bytes=5-2", Span(0, 99, partial=False)),
        ("bytes=0-1,5-6", Span(0, 99, partial=False)),
        ("items=0-1", Span(0, 99, partial=False)),
    ],
)
def test_a_range_of_a_hundred_bytes(header: str | None, expected: Span | None) -> None:
    assert span_of(header, 100) == expected


@given(st.text(max_size=40), st.integers(1, 10**9))
def test_nothing_reaches_outside_the_body(header: str, size: int) -> None:
    span = span_of(f"bytes={header}", size)
    assert span is None or 0 <= span.first <= span.last < size
