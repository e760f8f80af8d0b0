"""Work beside its owner: logged when it fails, let end or cancelled when its owner leaves."""

import asyncio

import pytest

from callfunnel.infra.tasks import Tasks
from tests.simulators import virtual_time


async def broken() -> None:
    raise ValueError("quotes a caller")


def test_a_failure_is_logged_with_what_it_was_about(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        await asyncio.wait({Tasks(call="c-1").start(broken())})

    virtual_time.run(scenario())
    (said,) = caplog.records
    assert (said.message, vars(said)["call"]) == ("a task failed", "c-1")


def test_what_is_in_hand_may_end_and_what_is_late_is_cancelled() -> None:
    async def scenario() -> list[str]:
        over: list[str] = []

        async def work(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            over.append(name)

        tasks = Tasks()
        tasks.start(work("soon", 1))
        late = tasks.start(work("late", 9))
        await tasks.finish(within_s=5)
        await asyncio.wait({late})
        assert late.cancelled()
        return over

    assert virtual_time.run(scenario()) == ["soon"]


def test_the_end_is_when_all_are_over() -> None:
    async def scenario() -> bool:
        tasks = Tasks()
        task = tasks.start(asyncio.sleep(9))
        await tasks.end()
        return task.cancelled()

    assert virtual_time.run(scenario())
