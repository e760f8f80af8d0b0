"""Work that goes on beside its owner and ends by itself; a loop is a `Background` instead."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

_log: Final = logging.getLogger(__name__)


class Tasks:
    """One owner's: kept until they are over. A failure is logged with `about`, never lost."""

    def __init__(self, **about: str) -> None:
        self._about = about
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """The work begins soon."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._over)
        return task

    def cancel(self) -> None:
        """Nothing of it is wanted any more."""
        for task in tuple(self._running):
            task.cancel()

    async def end(self) -> None:
        """As `cancel`, and returns once all are over."""
        self.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def finish(self, within_s: float) -> None:
        """Lets what is in hand end, then cancels what is left."""
        if self._running:
            await asyncio.wait(self._running, timeout=within_s)
        self.cancel()

    def _over(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a task failed", extra=self._about, exc_info=error)
