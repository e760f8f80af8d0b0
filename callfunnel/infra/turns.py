"""Long work on an event loop, in turns with everything else that wants to run there.

A batch of a thousand facts takes tens of milliseconds to decode or redact. Done in one go, whoever
else lives on the loop (a tool that a caller is waiting for) stands still for as long.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar

TURN_S: Final = 0.002
T = TypeVar("T")


async def in_turns(items: Iterable[T], turn_s: float = TURN_S) -> AsyncIterator[T]:
    """The items; after every `turn_s` seconds of work everybody else has a turn."""
    began = time.perf_counter()
    for item in items:
        yield item
        if time.perf_counter() - began > turn_s:
            await asyncio.sleep(0)
            began = time.perf_counter()
