"""A loop that is late is counted, and said once in a while."""

import asyncio
import gc
import logging

import pytest

from callfunnel.infra.strain import Counts, Strain, all_loaded
from callfunnel.infra.telemetry import Telemetry
from tests.simulators import virtual_time
from tests.simulators.virtual_time import VirtualLoop


async def watched(stall_s: float, times: int) -> Counts:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    strain = Strain(Telemetry())
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
        strain = Strain(Telemetry())
        strain.start()
        gc.collect()
        strain.stop()
        gc.collect()
        return strain.counts

    assert virtual_time.run(scenario()).collections == 1


def test_what_a_process_has_loaded_is_looked_at_no_more() -> None:
    loaded = gc.get_freeze_count()
    try:
        all_loaded()
        assert gc.get_freeze_count() > loaded
    finally:
        gc.unfreeze()
