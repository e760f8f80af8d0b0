"""The spooling publisher: accept a message now, tell the bus later, lose nothing in between.

`emit` is for the hot path: it never waits and costs a few microseconds. A thread writes what was
accepted to disk in groups, facts within about 2 ms, audio and usage within 20. Only what is on disk
is published, so a successor that opens the same folder knows everything the bus may know. A message
leaves the disk when the bus has acknowledged it, and is sent again under the same id until then.

A full spool or a full disk refuses with SpoolFull; it never blocks. `accepting` turns false well
before, so that a worker stops taking calls while those it has can still be told to their end.
"""

import asyncio
import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from callfunnel.domain.errors import Temporary
from callfunnel.infra.spool_file import (
    Accepted,
    Closed,
    Opened,
    SpoolFile,
    SpoolInUse,
    Step,
    Stored,
    Tally,
    UnfinishedCall,
)
from callfunnel.infra.spool_lane import LANES, Lane, lane_of
from callfunnel.infra.spool_writer import SpoolWriter
from callfunnel.infra.windowed import Connection, Outgoing, SenderStats

__all__ = ["Spool", "SpoolFull", "SpoolInUse", "SpoolLimits", "Tally", "UnfinishedCall"]

_SLOW_DISK_S = 2.0
"""How long a caller's treatment may wait for a disk."""
_MB = 1024 * 1024
_MOST_UNWRITTEN = 16 * _MB
"""Accepted and not on disk yet: a disk that hangs without an error must not fill the memory."""
_OVERHEAD = 512
"""Bytes a message costs beside its body: id, subject, headers, pages."""


class SpoolFull(Temporary):
    """The message was not accepted: no room, or the disk does not take it."""


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """How much may wait. `admit_share` percent of it turns `accepting` off. Sizes in bytes."""

    rows: int = 1_000_000
    size: int = 512 * 1024 * 1024
    message: int = 900_000
    admit_share: int = 80
    min_free_disk: int = 64 * 1024 * 1024
    commit_every_s: float = 0.002
    synchronous: str = "NORMAL"


@dataclass(frozen=True, slots=True)
class SpoolStats:
    """Counts since the start, and what waits now."""

    emitted: int
    refused: int
    commits: int
    failed_commits: int
    backlog: int
    backlog_bytes: int


class Spool:
    """One folder's spool. All methods belong to the event loop that opened it."""

    def __init__(self, folder: Path, file: SpoolFile, limits: SpoolLimits) -> None:
        """Use `open`."""
        left = file.leftover()
        self._unfinished = left.calls
        self._rows, self._key = left.rows, left.last_key
        self._size = left.size + left.rows * _OVERHEAD
        self._folder = folder
        self._limits = limits
        self._emitted = self._refused = 0
        self._appended = self._applied = 0
        self._unwritten = 0
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._emptied = asyncio.Event()
        self._sender_stats = SenderStats()
        self._writer = SpoolWriter(
            file,
            on_disk=self._on_disk,
            paged=lambda page: self._lanes[page.lane].paged(page),
            commit_every_s=limits.commit_every_s,
        )
        reading = self._writer.read_page
        self._lanes = [Lane(number, reading, self._stored) for number in range(LANES)]

    @classmethod
    async def open(cls, folder: Path, limits: SpoolLimits | None = None) -> "Spool":
        """Opens or creates the spool in `folder` and holds it until `close` or death.

        Raises SpoolInUse when another process holds it. What a predecessor left is published
        first, in order, once `send_through` has a connection.
        """
        limits = limits or SpoolLimits()
        file = await asyncio.to_thread(SpoolFile, folder, synchronous=limits.synchronous)
        return cls(folder, file, limits)

    @property
    def backlog(self) -> int:
        """How many messages were accepted and are not known to be stored by the bus."""
        return self._rows

    @property
    def stats(self) -> SpoolStats:
        """What the accepting side has seen."""
        writer = self._writer
        return SpoolStats(
            emitted=self._emitted,
            refused=self._refused,
            commits=writer.commits,
            failed_commits=writer.failed_commits,
            backlog=self._rows,
            backlog_bytes=self._size,
        )

    @property
    def sender_stats(self) -> SenderStats:
        """What the publishing side has seen."""
        return self._sender_stats

    @property
    def accepting(self) -> bool:
        """Whether there is room for another call; false also when the disk is nearly full."""
        return not self.trouble

    @property
    def trouble(self) -> str:
        """Why there is none, in words that hold no personal data; "" when there is."""
        limits = self._limits
        if self._is_stuck:
            return self._is_stuck
        if self._rows * 100 >= limits.rows * limits.admit_share:
            return f"{self._rows} messages wait for the bus"
        if self._size * 100 >= limits.size * limits.admit_share:
            return f"{self._size // _MB} MB wait for the bus"
        free = _free_disk(self._folder)
        return "" if free > limits.min_free_disk else f"its disk has {free // _MB} MB left"

    def unfinished_calls(self) -> tuple[UnfinishedCall, ...]:
        """The calls a predecessor left open, as found when the spool was opened."""
        return self._unfinished

    def emit(
        self,
        id: str,
        subject: str,
        headers: Mapping[str, str],
        body: bytes,
        tally: Tally | None = None,
    ) -> None:
        """Accepts a message without waiting; raises SpoolFull, or ValueError when too large.

        `id` becomes `Nats-Msg-Id`. `tally` moves the journal of the message's call in the
        same transaction.
        """
        self._admit(len(body))
        self._key += 1
        self._rows += 1
        self._size += len(body) + _OVERHEAD
        self._unwritten += len(body) + _OVERHEAD
        self._emitted += 1
        message = Outgoing(self._key, id, subject, headers, body)
        self._step(Accepted(message, tally, lane_of(subject)))

    async def emit_durable(
        self,
        id: str,
        subject: str,
        headers: Mapping[str, str],
        body: bytes,
        tally: Tally | None = None,
    ) -> None:
        """As `emit`, and returns once the message is on disk.

        Raises SpoolFull, too, when that takes seconds; it may be told all the same.
        """
        self.emit(id, subject, headers, body, tally)
        try:
            async with asyncio.timeout(_SLOW_DISK_S):
                await self.flush()
        except TimeoutError:
            raise SpoolFull(self._writer.broken or "the disk is slow") from None

    def open_call(self, call_id: str, document: bytes) -> None:
        """A call begins; `document` is all that its end needs if this process does not live."""
        self._step(Opened(call_id, document))

    def close_call(self, call_id: str) -> None:
        """Forgets a call whose end is told by someone else (else: `Tally(closes=True)`)."""
        self._step(Closed(call_id))

    async def send_through(self, connection: Connection, *, window: int = 256) -> None:
        """Begins to publish over `connection`, the leftovers first; `window` is of each lane."""
        for lane in self._lanes:
            await lane.start(connection, window, self._sender_stats)

    async def flush(self) -> None:
        """Returns once everything accepted so far is on disk."""
        if self._applied < self._appended:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append((self._appended, waiter))
            self._writer.hurry()
            await waiter

    async def drain(self, within_s: float) -> bool:
        """Waits until the bus has everything; False when it has not after `within_s` seconds."""
        try:
            async with asyncio.timeout(within_s):
                while self._rows:
                    self._emptied.clear()
                    await self._emptied.wait()
                await self.flush()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Stops publishing, writes what was accepted, and lets go of the folder."""
        for lane in self._lanes:
            await lane.stop()
        await self._writer.close()

    def _admit(self, length: int) -> None:
        limits = self._limits
        if length > limits.message:
            raise ValueError(f"a message of {length} bytes is larger than {limits.message}")
        if self._is_stuck or self._rows >= limits.rows or self._size >= limits.size:
            self._refused += 1
            raise SpoolFull(self._is_stuck or "the spool is full")

    @property
    def _is_stuck(self) -> str:
        """Why nothing can be written now; "" when it can."""
        return self._writer.broken or ("the disk hangs" * (self._unwritten >= _MOST_UNWRITTEN))

    def _step(self, step: Step) -> None:
        self._appended += 1
        self._writer.append(step)

    def _stored(self, message: Outgoing) -> None:
        self._rows -= 1
        self._size -= len(message.body) + _OVERHEAD
        self._step(Stored(message.key))
        if not self._rows:
            self._emptied.set()

    def _on_disk(self, steps: list[Step]) -> None:
        self._applied += len(steps)
        while self._waiters and self._waiters[0][0] <= self._applied:
            waiter = self._waiters.popleft()[1]
            if not waiter.done():
                waiter.set_result(None)
        groups: dict[int, list[Outgoing]] = {}
        for step in steps:
            if isinstance(step, Accepted):
                self._unwritten -= len(step.message.body) + _OVERHEAD
                groups.setdefault(step.lane, []).append(step.message)
        for number, messages in groups.items():
            self._lanes[number].hand_over(messages)


def _free_disk(folder: Path) -> int:
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize
