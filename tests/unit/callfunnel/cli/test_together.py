import threading
import time
from collections.abc import Iterator

import pytest

from callfunnel.cli.findings import Finding, ok
from callfunnel.cli.together import together


def test_what_each_found_is_told_in_the_order_given() -> None:
    first_may_end = threading.Event()

    def first() -> Iterator[Finding]:
        assert first_may_end.wait(5)
        yield ok("first", "well")

    def second() -> Iterator[Finding]:
        first_may_end.set()
        yield ok("second", "well")
        yield ok("second", "very well")

    found = list(together({"first": first, "second": second}, within_s=5))
    assert [each.detail for each in found] == ["well", "well", "very well"]


def test_what_hangs_is_told_and_keeps_nobody_waiting() -> None:
    for_ever = threading.Event()

    def hangs() -> Iterator[Finding]:
        for_ever.wait()
        yield ok("hangs", "never said")

    began = time.monotonic()
    late, well = together({"hangs": hangs, "other": lambda: [ok("other", "well")]}, within_s=0.1)
    for_ever.set()
    assert (late.what, late.verdict, late.detail) == ("hangs", "bad", "no answer in time")
    assert well.verdict == "ok"
    assert time.monotonic() - began < 5


def test_a_mistake_of_our_own_is_not_taken_for_silence() -> None:
    def fails() -> Iterator[Finding]:
        raise KeyError("processes")

    with pytest.raises(KeyError):
        list(together({"fails": fails}, within_s=5))
