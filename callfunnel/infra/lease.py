"""A lease on one key: whoever holds it knows until when it may act without asking.

The entry expires on the server unless it is renewed. The holder counts from the moment it *sent*
its last good renewal, minus a margin, so it stops before anyone else can begin. `epoch`, the
revision of the first write, is the fencing token of everything the holder does.
"""

import contextlib
import time
from collections.abc import Callable
from typing import Protocol

from callfunnel.domain.errors import Temporary
from callfunnel.infra.background import Background
from callfunnel.infra.kv import Entry

_AFTER_TROUBLE_S = 0.25


class LeaseStore(Protocol):
    """The part of a bucket that leases need; `KeyValue` has this shape."""

    async def get(self, key: str) -> Entry | None: ...

    async def create(
        self, key: str, value: bytes, *, ttl_s: int = 0, epoch: int = 0
    ) -> int | None: ...

    async def replace(
        self, key: str, value: bytes, revision: int, *, ttl_s: int = 0, epoch: int = 0
    ) -> int | None: ...

    async def delete(self, key: str, revision: int | None = None) -> bool: ...


class Lease:
    """One holder's side of the lease on `key`.

    `named` is for a key that is the holder's own name, of which the host runs one at a time (a
    media worker holds its spool's lock): it takes over from its predecessor at once, and comes
    back under the same epoch after an outage in which the entry expired.
    """

    def __init__(
        self,
        store: LeaseStore,
        key: str,
        *,
        ttl_s: int = 6,
        margin_s: float = 1.0,
        named: bool = False,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.epoch = 0
        self.revision = 0
        self.lapses = 0
        """How often it had expired and stands again: others may have acted on that meanwhile."""
        self.ttl_s = ttl_s
        self._store = store
        self._key = key
        self._margin_s = margin_s
        self._named = named
        self._clock = clock or boot_time
        self._until = float("-inf")

    @property
    def holds(self) -> bool:
        """Whether the holder may act now."""
        return self._clock() < self._until

    async def acquire(self, value: bytes) -> bool:
        """Tries to become the holder; False when someone else is. Raises Temporary."""
        sent = self._clock()
        revision = await self._store.create(self._key, value, ttl_s=self.ttl_s)
        if revision is None and self._named:
            revision = await self._take_over(value)
        if revision is None:
            return False
        self.epoch = self.revision = revision
        self._until = sent + self.ttl_s - self._margin_s
        return True

    async def renew(self, value: bytes) -> bool:
        """Holds on for another term; False when the lease is lost for good. Raises Temporary.

        After Temporary the lease stands until its time is over; try again before.
        """
        sent = self._clock()
        revision = await self._store.replace(
            self._key, value, self.revision, ttl_s=self.ttl_s, epoch=self.epoch
        )
        if revision is None:
            revision = await self._reclaim(value)
        if revision is None:
            self._until = float("-inf")
            return False
        self.revision = revision
        self._until = sent + self.ttl_s - self._margin_s
        return True

    async def release(self) -> None:
        """Gives the lease up, so that the next holder need not wait. Raises Temporary."""
        self._until = float("-inf")
        if not await self._store.delete(self._key, self.revision):
            found = await self._store.get(self._key)  # a renewal that was cut off has arrived
            if found is not None and found.epoch == self.epoch:
                await self._store.delete(self._key, found.revision)

    async def _take_over(self, value: bytes) -> int | None:
        found = await self._store.get(self._key)
        if found is None:
            return await self._store.create(self._key, value, ttl_s=self.ttl_s)
        return await self._store.replace(self._key, value, found.revision, ttl_s=self.ttl_s)

    async def _reclaim(self, value: bytes) -> int | None:
        """A renewal whose answer was lost is ours all the same; so is our own name once expired."""
        found = await self._store.get(self._key)
        if found is not None and found.epoch == self.epoch:
            return await self._store.replace(
                self._key, value, found.revision, ttl_s=self.ttl_s, epoch=self.epoch
            )
        if found is None and self._named:
            revision = await self._store.create(
                self._key, value, ttl_s=self.ttl_s, epoch=self.epoch
            )
            self.lapses += revision is not None
            return revision
        return None


def boot_time() -> float:
    """Seconds that go on while the machine sleeps, as the server's do."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class LeaseKeeper:
    """Renews a lease three times per term, and at once when its value has changed.

    `lost`: somebody else holds it now. `lapsed`: it had expired, and stands again.
    """

    def __init__(
        self,
        lease: Lease,
        value: Callable[[], bytes],
        lost: Callable[[], None],
        lapsed: Callable[[], None],
    ) -> None:
        self._lease = lease
        self._value = value
        self._lost = lost
        self._lapsed = lapsed
        self._is_lost = False
        self._lapses = 0
        self._renewing = Background("lease", self._renew, after_trouble_s=_AFTER_TROUBLE_S)

    def start(self) -> None:
        """Begins to renew, now; the lease is held already."""
        self._renewing.start()

    def touch(self) -> None:
        """The value has changed: write it soon."""
        self._renewing.wake()

    async def stop(self, *, release: bool = True) -> None:
        """Stops renewing and gives the lease up."""
        await self._renewing.stop()
        if release:
            with contextlib.suppress(Temporary):  # then it expires by itself
                await self._lease.release()

    async def _renew(self) -> float | None:
        if self._is_lost:
            return None
        if await self._lease.renew(self._value()):
            if self._lease.lapses > self._lapses:
                self._lapses = self._lease.lapses
                self._lapsed()
            return self._lease.ttl_s / 3
        self._is_lost = True
        self._lost()
        return None
