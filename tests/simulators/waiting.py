"""Waiting for something to become true, with a deadline instead of a guess."""

import asyncio
from collections.abc import Awaitable, Callable


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
