"""The spool's writer: one thread that puts steps on disk in groups and reads pages back.

It decides when a group is written: at once when idle, else every few milliseconds; audio, usage
and what may only be forgotten wait a little longer, for nobody waits for them. It reports to the
event loop, in order: every group after its commit, every page after the groups it contains.
A disk that refuses is tried again for as long as the process lives; `broken` says why meanwhile.
"""

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from callfunnel.events.streams import AUDIO, USAGE
from callfunnel.infra.spool_file import Accepted, SpoolFile, Step, Stored
from callfunnel.infra.spool_lane import Page, lane_of_stream

_PATIENT = frozenset({lane_of_stream(AUDIO), lane_of_stream(USAGE)})
_PATIENT_S = 0.02
"""Also until what the bus has is forgotten: sent twice in between, it is one by its id."""
_IDLE_S = 1.0
"""After so long without a group the log is emptied, and what failed is tried again."""


class SpoolWriter:
    """Owns the file's thread. Made on the event loop that is told what happened."""

    def __init__(
        self,
        file: SpoolFile,
        *,
        on_disk: Callable[[list[Step]], None],
        paged: Callable[[Page], None],
        commit_every_s: float,
    ) -> None:
        self.broken = ""
        self.commits = 0
        self.failed_commits = 0
        self._file = file
        self._on_disk = on_disk
        self._paged = paged
        self._commit_every_s = commit_every_s
        self._loop = asyncio.get_running_loop()
        self._steps: deque[Step] = deque()
        self._asked: deque[tuple[int, int]] = deque()
        self._stopping = self._later = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)
        self._thread.start()

    def append(self, step: Step) -> None:
        """Hands over one step; never waits."""
        self._steps.append(step)
        if not _is_patient(step):
            self.hurry()
        elif not self._later:
            self._later = True
            self._loop.call_later(_PATIENT_S, self._hurry_later)

    def hurry(self) -> None:
        """What was handed over is written with the next group."""
        if not self._wake.is_set():
            self._wake.set()

    def read_page(self, lane: int, after: int) -> None:
        """Asks for the messages of a lane whose keys follow `after`; `paged` gets them."""
        self._asked.append((lane, after))
        self._wake.set()

    async def close(self) -> None:
        """Writes what was handed over (one try, if the disk refuses) and closes the file."""
        self._stopping = True
        self._wake.set()
        await asyncio.to_thread(self._thread.join)
        self._file.close()

    def _hurry_later(self) -> None:
        self._later = False
        self.hurry()

    def _run(self) -> None:
        try:
            dirty = False
            while not (self._stopping and not self._steps):
                if self._wake.wait(_IDLE_S if dirty or self._asked else None):
                    self._wake.clear()
                    dirty = self._write_group() or dirty
                elif dirty:
                    dirty = not self._truncated()
                self._read_pages()
            self._truncated()
        except BaseException as error:
            self.broken = f"the spool's writer stopped: {type(error).__name__}"
            raise

    def _write_group(self) -> bool:
        steps = [self._steps.popleft() for _ in range(len(self._steps))]
        if not steps:
            return False
        while not self._try(steps):
            if self._stopping:
                return False
            time.sleep(0.2)
        self._tell(self._on_disk, steps)
        time.sleep(self._commit_every_s)
        return True

    def _try(self, steps: list[Step]) -> bool:
        try:
            self._file.apply(steps)
        except sqlite3.OperationalError as error:
            self.broken = f"the disk does not take it: {error}"
            self.failed_commits += 1
            return False
        self.broken = ""
        self.commits += 1
        return True

    def _truncated(self) -> bool:
        """Emptying the log takes room in the file: on a full disk it is tried again."""
        try:
            self._file.truncate_log()
        except sqlite3.OperationalError:
            return False
        return True

    def _read_pages(self) -> None:
        """What cannot be read now is read once the disk lets it."""
        while self._asked:
            try:
                page = self._file.page(*self._asked[0])
            except sqlite3.OperationalError:
                return
            self._asked.popleft()
            self._tell(self._paged, page)

    def _tell(self, call: Callable[[Any], None], argument: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, argument)


def _is_patient(step: Step) -> bool:
    if isinstance(step, Accepted):
        return step.lane in _PATIENT
    return isinstance(step, Stored)
