"""How well a process's event loop keeps up: its lag and the garbage collector's pauses, as metrics.

Every call of a worker stops while either lasts, so both are watched and said, never guessed.
"""

import asyncio
import gc
import logging
import sys
import time
from typing import Any, Final

from msgspec import Struct

from callfunnel.infra.telemetry import Telemetry

_log: Final = logging.getLogger(__name__)

_BEAT_S: Final = 0.1
_ALARM_S: Final = 0.06
"""Longer than this and frames leave late in every call: half of what is sent ahead."""
_SAY_EVERY_S: Final = 10.0


class Counts(Struct):
    """Since the start; the longest are milliseconds. `tasks` and `blocks` (of memory): now."""

    late_beats: int = 0
    longest_lag_ms: float = 0.0
    collections: int = 0
    longest_pause_ms: float = 0.0
    tasks: int = 0
    blocks: int = 0


def all_loaded() -> None:
    """The collector looks no more at what the process has made until now, before it serves.

    A full collection of a gateway stops it for 50 ms, nearly all of it spent on its own modules.
    """
    gc.collect()
    gc.freeze()


class Strain:
    """Watches one loop from `start` to `stop`."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._lags = telemetry.histogram("loop_lag_seconds")
        self._pauses = telemetry.histogram("gc_pause_seconds")
        telemetry.watch("loop", lambda: self.counts)
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
            self._timer = None
            gc.callbacks.remove(self._on_collection)

    def _plan(self) -> None:
        self._due = self._loop.time() + _BEAT_S
        self._timer = self._loop.call_at(self._due, self._beat)

    def _beat(self) -> None:
        now = self._loop.time()
        lag = now - self._due
        counts = self._counts
        self._lags.add(max(0.0, lag))
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
        pause = time.perf_counter() - self._collecting
        self._pauses.add(pause)
        self._counts.collections += 1
        self._counts.longest_pause_ms = max(self._counts.longest_pause_ms, pause * 1000)
