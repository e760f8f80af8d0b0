"""What stops every call at once, a late loop and the garbage collector: watched, and kept short.

A collection takes as long as the objects it looks at are many. So what is loaded is looked at no
more, young objects are looked at often and therefore in small numbers, and old ones only while no
call is there to wait. A call leaves no cycles behind (`Session` lets go of its parts), so not
looking costs no memory; should something leak all the same, it is collected when that matters more.
"""

import asyncio
import gc
import logging
import sys
import time
from typing import Any, Final

from msgspec import Struct

_log: Final = logging.getLogger(__name__)

_BEAT_S: Final = 0.1
_ALARM_S: Final = 0.06
"""Longer than this and frames leave late in every call: half of what is sent ahead."""
_SAY_EVERY_S: Final = 10.0
_YOUNG: Final = 1_500
"""Objects made and kept between two looks at the youngest: less than a millisecond's work."""
_MIDDLE: Final = 3
"""Looks at the youngest until one at what those left: up to four times the work."""
_NEVER: Final = 1_000_000_000
_SWITCH_S: Final = 0.0005
"""How long the spool's thread may keep the interpreter while a frame waits; 5 ms by default."""
_LEAK: Final = 1.5
"""Times the memory blocks after the last full collection: then it is done with calls there, too."""


class Counts(Struct):
    """Since the start; the longest are milliseconds. `tasks` and `blocks` (of memory): now."""

    late_beats: int = 0
    longest_lag_ms: float = 0.0
    collections: int = 0
    longest_pause_ms: float = 0.0
    tasks: int = 0
    blocks: int = 0


class Strain:
    """Watches one loop from `start` to `stop`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._counts = Counts()
        self._due = 0.0
        self._said = float("-inf")
        self._collecting = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def counts(self) -> Counts:
        """What was seen so far, and what is there now."""
        self._counts.tasks = len(asyncio.all_tasks(self._loop))
        self._counts.blocks = sys.getallocatedblocks()
        return self._counts

    def start(self) -> None:
        """Begins to watch."""
        gc.callbacks.append(self._on_collection)
        self._plan()

    def stop(self) -> None:
        """Watches no more."""
        if self._timer is not None:
            self._timer.cancel()
            gc.callbacks.remove(self._on_collection)

    def _plan(self) -> None:
        self._due = self._loop.time() + _BEAT_S
        self._timer = self._loop.call_at(self._due, self._beat)

    def _beat(self) -> None:
        now = self._loop.time()
        lag = now - self._due
        counts = self._counts
        counts.longest_lag_ms = max(counts.longest_lag_ms, lag * 1000)
        if lag > _ALARM_S:
            counts.late_beats += 1
            if now - self._said > _SAY_EVERY_S:
                self._said = now
                _log.warning("the event loop is late", extra={"lag_ms": round(lag * 1000)})
        self._plan()

    def _on_collection(self, phase: str, _info: dict[str, Any]) -> None:
        if phase == "start":
            self._collecting = time.perf_counter()
            return
        pause = (time.perf_counter() - self._collecting) * 1000
        self._counts.collections += 1
        self._counts.longest_pause_ms = max(self._counts.longest_pause_ms, pause)


class Tidiness:
    """Full collections, when they disturb nobody: made once everything is loaded."""

    def __init__(self) -> None:
        sys.setswitchinterval(_SWITCH_S)
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
        self._after = sys.getallocatedblocks()

    def a_call_is_over(self, live: int) -> None:
        """`live` calls are still there."""
        if not live or sys.getallocatedblocks() > self._after * _LEAK:
            gc.collect()
            self._after = sys.getallocatedblocks()
