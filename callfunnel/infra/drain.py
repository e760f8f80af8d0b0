"""The end of a process: what goes on may end by itself, for a time, unless somebody hurries."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Drain:
    """One process's. To hurry is for good: from then on nothing is waited for."""

    def __init__(self) -> None:
        self._hurried = asyncio.Event()

    def hurry(self) -> None:
        """Told to stop a second time."""
        self._hurried.set()

    async def wait(self, emptied: Coroutine[Any, Any, None], within_s: float) -> None:
        """Returns once `emptied` does, nothing is waited for any longer, or the time is up."""
        waits = [asyncio.ensure_future(emptied), asyncio.ensure_future(self._hurried.wait())]
        try:
            await asyncio.wait(waits, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
