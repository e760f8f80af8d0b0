"""How a process waits for what goes on, and what ends the wait."""

import asyncio

from callfunnel.infra.drain import Drain
from tests.simulators import virtual_time


def waited(drain: Drain, ends_after_s: float, within_s: float, hurried_after_s: float) -> float:
    """For how long a process waits that is told to hurry meanwhile."""

    async def scenario() -> float:
        loop = asyncio.get_running_loop()
        loop.call_later(hurried_after_s, drain.hurry)
        began = loop.time()
        await drain.wait(asyncio.sleep(ends_after_s), within_s)
        return round(loop.time() - began, 3)

    return virtual_time.run(scenario())


def test_it_is_over_when_nothing_goes_on() -> None:
    assert waited(Drain(), ends_after_s=3, within_s=10, hurried_after_s=20) == 3


def test_it_is_over_when_the_time_is_up() -> None:
    assert waited(Drain(), ends_after_s=30, within_s=10, hurried_after_s=20) == 10


def test_it_is_over_when_somebody_hurries() -> None:
    assert waited(Drain(), ends_after_s=30, within_s=25, hurried_after_s=20) == 20


def test_who_hurries_once_never_waits_again() -> None:
    drain = Drain()
    assert waited(drain, ends_after_s=30, within_s=25, hurried_after_s=1) == 1
    assert waited(drain, ends_after_s=30, within_s=25, hurried_after_s=20) == 0
