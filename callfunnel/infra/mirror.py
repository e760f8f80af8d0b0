"""A bucket as a dict: kept fresh by reading its stream, read without a round trip.

After an interruption everything is read again, so a key that vanished meanwhile vanishes here.
What it shows may be a few milliseconds old, and older while the bus is away: decisions that must
not be wrong are made by compare-and-set on the revision it shows.
"""

import asyncio
from collections.abc import Callable

from nats.aio.msg import Msg

from callfunnel.infra.background import Background
from callfunnel.infra.follow import Follower
from callfunnel.infra.kv import Entry, entry_of, is_marker
from callfunnel.infra.lean import LeanClient

Changed = Callable[[str, Entry | None], None]


class Mirror:
    """The entries of one bucket; `changed(key, entry or None)` is called for every change.

    `interruptions` counts how often everything had to be read again.
    """

    def __init__(self, client: LeanClient, bucket: str, changed: Changed | None = None) -> None:
        self.entries: dict[str, Entry] = {}
        self.interruptions = 0
        self._prefix = f"$KV.{bucket}."
        self._changed = changed
        self._follower = Follower(
            client, f"KV_{bucket}", [f"$KV.{bucket}.>"], last_per_subject=True
        )
        self._fresh = asyncio.Event()
        self._seen: set[str] = set()
        self._to_come = 0
        self._following = Background(f"mirror of {bucket}", self._follow)

    @property
    def fresh(self) -> bool:
        """Whether the snapshot has been read."""
        return self._fresh.is_set()

    async def start(self) -> None:
        """Returns once the dict holds what the bucket held at the start. Raises bus errors."""
        await self._follower.open()
        self._begin_snapshot()
        self._following.start()
        await self._fresh.wait()

    async def stop(self) -> None:
        """Stops following."""
        await self._following.stop()
        await self._follower.close()

    def _begin_snapshot(self) -> None:
        self._seen = set()
        self._to_come = self._follower.pending_at_start
        self._end_snapshot_if_read()

    def _end_snapshot_if_read(self) -> None:
        if self._to_come <= 0 and not self._fresh.is_set():
            for key in [k for k in self.entries if k not in self._seen]:
                self._forget(key)
            self._fresh.set()

    async def _follow(self) -> float | None:
        batch = await self._follower.next_batch()
        if batch is None:
            return None
        if not batch:
            self.interruptions += 1
            self._fresh.clear()
            self._begin_snapshot()
        for message in batch:
            self._apply(message)
        return 0.0

    def _apply(self, message: Msg) -> None:
        key = message.subject.removeprefix(self._prefix)
        self._seen.add(key)
        self._to_come -= 1
        if is_marker(message.headers):
            self._forget(key)
        else:
            revision = message.metadata.sequence.stream
            entry = entry_of(key, message.data, revision, message.headers)
            if self.entries.get(key) != entry:
                self.entries[key] = entry
                self._tell(key, entry)
        self._end_snapshot_if_read()

    def _forget(self, key: str) -> None:
        if self.entries.pop(key, None) is not None:
            self._tell(key, None)

    def _tell(self, key: str, entry: Entry | None) -> None:
        if self._changed is not None:
            self._changed(key, entry)
