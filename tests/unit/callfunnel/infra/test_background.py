"""The one loop that all background work of a process runs in."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from callfunnel.domain.errors import Temporary
from callfunnel.infra.background import Background
from tests.simulators.waiting import until


@asynccontextmanager
async def running(step: Callable[[], Awaitable[float | None]]) -> AsyncIterator[Background]:
    work = Background("work", step, after_trouble_s=0.01)
    work.start()
    try:
        yield work
    finally:
        async with asyncio.timeout(10):
            await work.stop()


class Steps:
    """Counts its steps; `pauses` says what each returns, the last one for ever."""

    def __init__(self, *pauses: float | None) -> None:
        self.taken = 0
        self._pauses = list(pauses)

    async def __call__(self) -> float | None:
        self.taken += 1
        return self._pauses.pop(0) if len(self._pauses) > 1 else self._pauses[0]


async def test_a_step_follows_when_it_is_due() -> None:
    steps = Steps(0.01, 0.01, None)
    async with running(steps):
        await until(lambda: steps.taken == 3, "the third step")


async def test_a_sleeping_loop_is_woken() -> None:
    steps = Steps(None)
    async with running(steps) as work:
        await until(lambda: steps.taken == 1, "the first step")
        work.wake()
        await until(lambda: steps.taken == 2, "the step that was asked for")


async def test_a_wake_during_a_step_causes_another_one() -> None:
    steps = Steps(None)

    async def woken_meanwhile() -> float | None:
        pause = await steps()
        if steps.taken == 1:
            work.wake()
        return pause

    async with running(woken_meanwhile) as work:
        await until(lambda: steps.taken == 2, "another step")


async def test_a_wake_for_later_than_what_is_due_changes_nothing() -> None:
    steps = Steps(0.05, None)
    async with running(steps) as work:
        await until(lambda: steps.taken == 1, "the first step")
        work.wake(in_s=5)
        await until(lambda: steps.taken == 2, "the second, when it was due")
        await asyncio.sleep(0)
        assert steps.taken == 2


async def test_a_failure_is_named_without_its_text_and_the_step_taken_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures: list[Exception] = [Temporary("the bus is away"), ValueError("a caller's words")]

    async def fails_twice() -> None:
        if failures:
            raise failures.pop(0)

    with caplog.at_level(logging.WARNING):
        async with running(fails_twice):
            await until(lambda: not failures, "both failures")
    reasons = [record.reason for record in caplog.records]  # type: ignore[attr-defined]
    assert reasons == ["the bus is away", "ValueError"]


async def test_a_swallowed_cancellation_does_not_keep_the_process_alive() -> None:
    """As asyncio.wait_for does up to Python 3.11, and whatever stands on it."""
    begun = asyncio.Event()

    async def swallows() -> None:
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async with running(swallows):
        await begun.wait()


async def test_a_step_that_swallows_and_waits_again_is_cancelled_again() -> None:
    begun = asyncio.Event()
    swallowed: list[int] = []

    async def swallows_twice() -> None:
        begun.set()
        for attempt in range(2):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            swallowed.append(attempt)
        await asyncio.Event().wait()

    async with running(swallows_twice):
        await begun.wait()
    assert swallowed == [0, 1]
