"""A loop that is late is counted, and said once in a while."""

import asyncio
import gc
import logging
import sys
from collections.abc import Iterator

import pytest

from tests.simulators import virtual_time
from tests.simulators.virtual_time import VirtualLoop
from workers.media.strain import Counts, Strain, Tidiness


async def watched(stall_s: float, times: int) -> Counts:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    strain = Strain()
    strain.start()
    for _ in range(times):
        await asyncio.sleep(1.1)
        loop.clock.now += stall_s
    await asyncio.sleep(1)
    strain.stop()
    return strain.counts


def test_a_loop_that_keeps_up_is_not_mentioned(caplog: pytest.LogCaptureFixture) -> None:
    counts = virtual_time.run(watched(0.0, 5))
    assert (counts.late_beats, caplog.records) == (0, [])


def test_stalls_are_counted_and_said_once_in_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        counts = virtual_time.run(watched(0.5, 4))
    assert counts.late_beats == 4
    assert 250 <= counts.longest_lag_ms <= 500
    assert len(caplog.records) == 1


def test_collections_are_counted() -> None:
    async def scenario() -> Counts:
        strain = Strain()
        strain.start()
        gc.collect()
        strain.stop()
        gc.collect()
        return strain.counts

    assert virtual_time.run(scenario()).collections == 1


@pytest.fixture
def tidiness() -> Iterator[Tidiness]:
    """As a worker makes it; what it changes in the interpreter is put back."""
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    yield Tidiness()
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)


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
