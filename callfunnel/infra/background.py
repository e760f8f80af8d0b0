"""One task of a process that takes a step, waits until the next is due or it is woken, and so on.

Decides three things for every such loop, so that none decides them differently: a step that fails
is named in the log and tried again; a wake is never lost, also when it comes during a step; and a
stop ends the task even when a library swallows the cancellation (asyncio.wait_for up to Python
3.11 does when a result arrives at the same moment, and nats-py stands on it).
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from callfunnel.domain.errors import Permanent, Temporary

CANCEL_AGAIN_S = 0.2
Step = Callable[[], Awaitable[float | None]]
log = logging.getLogger(__name__)


class Background:
    """Calls `step` again and again from `start` to `stop`.

    `step` returns the seconds until the next one is due at the latest, None: only when woken.
    A step that raises is taken again `after_trouble_s` later; its exception does not come out.
    """

    def __init__(self, name: str, step: Step, *, after_trouble_s: float = 1.0) -> None:
        self._name = name
        self._step = step
        self._after_trouble_s = after_trouble_s
        self._woken = asyncio.Event()
        self._due_at = float("inf")
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Takes the first step soon."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=self._name)

    def wake(self, in_s: float = 0.0) -> None:
        """A step is needed in so many seconds; nothing happens when one is due before."""
        if not in_s or asyncio.get_running_loop().time() + in_s < self._due_at:
            self._woken.set()

    async def stop(self) -> None:
        """Returns once the task is over; a step that is under way is cancelled."""
        self._stopping = True
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=CANCEL_AGAIN_S)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping:
            self._woken.clear()
            self._due_at = float("inf")  # whoever wakes during the step causes another one
            pause = await self._attempt()
            if not self._woken.is_set():
                self._due_at = float("inf") if pause is None else loop.time() + pause
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()

    async def _attempt(self) -> float | None:
        """A foreign exception is named by its type only: its text may quote a message or a row."""
        try:
            return await self._step()
        except (Temporary, Permanent) as error:
            reason = error.reason
        except Exception as error:
            reason = type(error).__name__
        log.warning("step failed", extra={"task": self._name, "reason": reason})
        return self._after_trouble_s
