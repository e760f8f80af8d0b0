"""The call registry as the gateway sees it: three mirrors to read, and pins and slots to change.

Only here are the registry's keys spelled and its values decoded. A mirror that cannot be read
makes everything look empty, which refuses calls; compare-and-set keeps a stale one harmless.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Protocol, TypeVar

import msgspec

from callfunnel.domain.call import Pin, PinState, SlotHolder, WorkerRecord
from callfunnel.domain.digits import number_in
from callfunnel.domain.errors import Temporary
from callfunnel.domain.ids import TenantId, WorkerId
from callfunnel.domain.rulebook import PublishedRulebook
from callfunnel.events.streams import PIN_KEPT_S
from gateway.placement import LiveWorker

log = logging.getLogger(__name__)
S = TypeVar("S", bound=msgspec.Struct)
_ANSWER_S = 2.0


class Entry(Protocol):
    """A key's value, its revision, and the epoch of the lease it is part of."""

    @property
    def value(self) -> bytes: ...

    @property
    def revision(self) -> int: ...

    @property
    def epoch(self) -> int: ...


class Bucket(Protocol):
    """A key-value bucket with compare-and-set. Raises Temporary when the bus does not answer."""

    async def get(self, key: str) -> Entry | None: ...

    async def create(self, key: str, value: bytes) -> int | None: ...

    async def replace(
        self, key: str, value: bytes, revision: int, *, ttl_s: int = 0
    ) -> int | None: ...

    async def delete(self, key: str, revision: int | None = None) -> bool: ...


class Mirrored(Protocol):
    """A bucket as a dict that follows it."""

    @property
    def entries(self) -> Mapping[str, Entry]: ...


class HeldSlots:
    """Which slots are held, by tenant: told of every change of the mirror, so nobody counts."""

    def __init__(self) -> None:
        self._held: dict[str, set[int]] = {}

    def of(self, tenant: TenantId) -> Collection[int]:
        """The numbers of a tenant's slots that somebody holds."""
        return self._held.get(tenant, ())

    def changed(self, key: str, entry: Entry | None) -> None:
        """A slot is held (again), or free: `entry` is None."""
        tenant, _, text = key.partition(".")
        number = number_in(text)
        if number is None:
            return
        held = self._held.setdefault(tenant, set())
        if entry is not None:
            held.add(number)
            return
        held.discard(number)
        if not held:
            del self._held[tenant]


class KvRegistry:
    """The registry over the bus (see `admission.Registry`)."""

    def __init__(
        self,
        *,
        workers: Mirrored,
        slots: "HeldSlots",
        rulebooks: Mirrored,
        pin_bucket: Bucket,
        slot_bucket: Bucket,
        connected: Callable[[], bool],
    ) -> None:
        self._workers = workers
        self._slots = slots
        self._rulebooks = rulebooks
        self._pin_bucket = pin_bucket
        self._slot_bucket = slot_bucket
        self._connected = connected

    def workers(self) -> Mapping[WorkerId, LiveWorker]:
        """The media workers whose lease is alive."""
        found = {}
        for entry in self._workers.entries.values():
            record = _read(entry.value, WorkerRecord)
            if record is not None:
                found[record.worker] = LiveWorker(record, entry.epoch)
        return found

    def worker_url(self, worker: str) -> str | None:
        """Where a live worker takes media sockets."""
        entry = self._workers.entries.get(worker)
        record = _read(entry.value, WorkerRecord) if entry else None
        return record.url if record else None

    def slots(self, tenant: TenantId) -> Collection[int]:
        """The numbers of the tenant's slots that somebody holds."""
        return self._slots.of(tenant)

    def rulebook(self, tenant: TenantId, agent: str) -> PublishedRulebook | None:
        """The published rule book of an agent."""
        entry = self._rulebooks.entries.get(f"{tenant}.{agent}")
        return _rulebook(entry.value) if entry else None

    def agents(self, tenant: TenantId) -> list[str]:
        """The agents that have a published rule book."""
        mine = (key.partition(".") for key in self._rulebooks.entries)
        return sorted(agent for owner, _, agent in mine if owner == tenant)

    async def pin(self, key: str) -> Pin | None:
        """A call's pin, read where it is written."""
        async with self._soon():
            entry = await self._pin_bucket.get(key)
        return _read(entry.value, Pin) if entry else None

    async def create_pin(self, key: str, pin: Pin) -> bool:
        """Whether this pin is the first of its call."""
        async with self._soon():
            return await self._pin_bucket.create(key, msgspec.json.encode(pin)) is not None

    async def end_pin(self, key: str, pin: Pin) -> None:
        """Says that the refused call of `pin` was told to its end."""
        async with self._soon():
            entry = await self._pin_bucket.get(key)
            if entry is not None and _read(entry.value, Pin) == pin:
                ended = msgspec.json.encode(msgspec.structs.replace(pin, state=PinState.ENDED))
                await self._pin_bucket.replace(key, ended, entry.revision, ttl_s=PIN_KEPT_S)

    async def take_slot(self, slot: str, holder: SlotHolder, revision: int) -> int | None:
        """The new revision once `holder` has the slot; None when someone else was first."""
        value = msgspec.json.encode(holder)
        async with self._soon():
            if revision == 0:
                return await self._slot_bucket.create(slot, value)
            return await self._slot_bucket.replace(slot, value, revision)

    async def free_slot(self, slot: str, revision: int) -> None:
        """Gives a slot back, unless it changed hands since."""
        async with self._soon():
            await self._slot_bucket.delete(slot, revision)

    @asynccontextmanager
    async def _soon(self) -> AsyncIterator[None]:
        """A carrier waits 15 s for TwiML and asks several things of us: each answers soon, or not.

        Raises Temporary; what was asked may have been done all the same.
        """
        if not self._connected():
            raise Temporary("the bus is away")
        try:
            async with asyncio.timeout(_ANSWER_S):
                yield
        except TimeoutError:
            raise Temporary("the bus does not answer") from None


@lru_cache(maxsize=512)
def _rulebook(value: bytes) -> PublishedRulebook | None:
    """Read once, not for every call."""
    return _read(value, PublishedRulebook)


def _read(value: bytes, kind: type[S]) -> S | None:
    """A value that cannot be read is as good as none; it is said, and nothing else stops."""
    try:
        return msgspec.json.decode(value, type=kind)
    except (ValueError, RecursionError):
        log.error("registry value is unreadable", extra={"kind": kind.__name__})
        return None
