"""An event loop whose clock jumps to the next timer: minutes of a call pass in milliseconds."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Jumping(selectors.SelectSelector):
    """Never waits: where a real selector would sleep, the clock goes on instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.turns = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        self.turns += 1
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("nothing is left to happen: the test waits for ever")
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """No threads and no foreign sockets: everything in the test runs on this clock."""

    def __init__(self) -> None:
        self.clock = _Jumping()
        super().__init__(self.clock)

    def time(self) -> float:
        return self.clock.now


def turn() -> int:
    """Which turn of the running virtual loop this is: what is done in one holds up the next."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop.clock.turns


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """Runs a scenario in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(scenario)
