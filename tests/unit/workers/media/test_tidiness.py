"""Old garbage is collected when that disturbs nobody."""

import gc
import sys
from collections.abc import Iterator

import pytest

from workers.media.tidiness import Tidiness


@pytest.fixture
def tidiness() -> Iterator[Tidiness]:
    """As a worker makes it; what it changes in the interpreter is put back."""
    thresholds = gc.get_threshold()
    yield Tidiness()
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_old_garbage_waits_until_no_call_is_there_to_wait(tidiness: Tidiness) -> None:
    before = gc.get_stats()[2]["collections"]
    tidiness.a_call_is_over(live=3)
    assert gc.get_stats()[2]["collections"] == before
    tidiness.a_call_is_over(live=0)
    assert gc.get_stats()[2]["collections"] == before + 1


def test_a_leak_is_collected_with_calls_there_too(tidiness: Tidiness) -> None:
    before = gc.get_stats()[2]["collections"]
    leaked = [object() for _ in range(sys.getallocatedblocks())]
    tidiness.a_call_is_over(live=3)
    assert gc.get_stats()[2]["collections"] == before + 1
    assert leaked


def test_the_old_are_never_looked_at_by_chance(tidiness: Tidiness) -> None:
    before = gc.get_stats()[2]["collections"]
    kept = [[number] for number in range(500_000)]
    assert gc.get_stats()[2]["collections"] == before
    assert gc.get_stats()[1]["collections"]
    assert kept
