"""Waiting for something to become true, with a deadline instead of a guess."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(
    condition: Callable[[], bool | Awaitable[bool]], what: str, within_s: float = 10.0
) -> None:
    """Polls until `condition` holds; fails with `what` when it does not in time."""
    loop = asyncio.get_running_loop()
    deadline, pause_s = loop.time() + within_s, 0.005
    while True:
        answer = condition()
        if answer if isinstance(answer, bool) else await answer:
            return
        if loop.time() > deadline:
            raise AssertionError(f"not within {within_s} s: {what}")
        await asyncio.sleep(pause_s)
        pause_s = min(0.1, pause_s * 1.5)


def eventually(look: Callable[[], T], what: str, within_s: float = 30.0) -> T:
    """Looks until there is something to see, and returns it; blocks. For tests without a loop."""
    deadline = time.monotonic() + within_s
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        signal.sigtimedwait([], 0.05)
    return seen
