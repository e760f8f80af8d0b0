"""The worker's place in the registry: its leased record, the pins and slot keys of its calls.

Compare-and-set on a pin decides who may speak a call's end. What the registry cannot be told now
is told later, in the background; a call never waits for it longer than its carrier can.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from callfunnel.domain.call import CallSpec, Cause, Pin, PinState, WorkerRecord
from callfunnel.domain.errors import Temporary
from callfunnel.domain.ids import TenantId, WorkerId
from callfunnel.domain.rulebook import PublishedRulebook
from callfunnel.events.streams import PIN_KEPT_S, PINS, RULEBOOKS, SLOTS, WORKERS
from callfunnel.infra.kv import Entry, KeyValue
from callfunnel.infra.lease import Lease, LeaseKeeper
from callfunnel.infra.turns import Turnstile

_log: Final = logging.getLogger(__name__)

LEASE_S: Final = 6
_AGAIN_S: Final = 0.5
_TRIES: Final = 20
_BOOKS: Final = 64
"""Rule books kept in memory: some 50 kB each."""


class Buckets(Protocol):
    """The part of the bus the registry needs."""

    def kv(self, bucket: str) -> KeyValue: ...


def _unwatched() -> None:
    """Of a registry that is never entered, no lease can be lost."""


class Registry:
    """One worker's. `record` says what the worker is now.

    `lost`: another took its name. `lapsed`: it was away for longer than its lease, and is back.
    """

    def __init__(
        self,
        buckets: Buckets,
        worker: WorkerId,
        record: Callable[[], WorkerRecord],
        *,
        lost: Callable[[], None] = _unwatched,
        lapsed: Callable[[], None] = _unwatched,
    ) -> None:
        self._worker = worker
        self._record = record
        self._pins = buckets.kv(PINS.name)
        self._slots = buckets.kv(SLOTS.name)
        self._rulebooks = buckets.kv(RULEBOOKS.name)
        self._lease = Lease(buckets.kv(WORKERS.name), worker, ttl_s=LEASE_S, named=True)
        self._keeper = LeaseKeeper(self._lease, self._value, lost, lapsed)
        self._books: dict[tuple[TenantId, str], PublishedRulebook] = {}
        self._late: set[asyncio.Task[bool]] = set()
        self._turnstile = Turnstile()

    @property
    def holds(self) -> bool:
        """Whether this worker's lease stands: only then may it take a call."""
        return self._lease.holds

    @property
    def epoch(self) -> int:
        """The fencing token of everything this worker does."""
        return self._lease.epoch

    async def enter(self) -> None:
        """Takes the worker's name over from its predecessor. Raises Temporary."""
        for _ in range(_TRIES):
            if await self._lease.acquire(self._value()):
                self._keeper.start()
                return
            await asyncio.sleep(_AGAIN_S)
        raise Temporary("another process keeps this worker's name")

    def touch(self) -> None:
        """The record has changed: written soon."""
        self._keeper.touch()

    async def write(self) -> None:
        """Writes the record now, if it was ever written and the bus is there to take it."""
        try:
            if self._lease.epoch:
                await self._lease.renew(self._value())
        except Temporary as error:
            _log.warning("the record is not written", extra={"reason": error.reason})

    async def leave(self) -> None:
        """Gives name and lease up; what is late has one more second."""
        if self._late:
            await asyncio.wait(self._late, timeout=1.0)
        await self._keeper.stop()

    async def rulebook(
        self, tenant: TenantId, agent: str, version: int
    ) -> PublishedRulebook | None:
        """The published rule book of an agent. Raises Temporary.

        A version is the same for ever: one that was read before is not asked for again.
        """
        known = self._books.get((tenant, agent))
        if known is not None and known.version == version:
            return known
        published = await self._published(tenant, agent)
        if published is not None:
            if len(self._books) >= _BOOKS:
                del self._books[next(iter(self._books))]
            self._books[tenant, agent] = published
        return published

    async def _published(self, tenant: TenantId, agent: str) -> PublishedRulebook | None:
        entry = await self._rulebooks.get(f"{tenant}.{agent}")
        if entry is None:
            return None
        try:
            return msgspec.json.decode(entry.value, type=PublishedRulebook)
        except (ValueError, RecursionError):
            _log.error("a rule book cannot be read", extra={"tenant": tenant, "agent": agent})
            return None

    async def pinned(self, spec: CallSpec, epoch: int) -> bool:
        """Whether the call was pinned to this worker and is not over. Raises Temporary."""
        return await self._mine(spec, epoch) is not None

    async def surely_pinned(self, spec: CallSpec, epoch: int) -> bool:
        """As `pinned`, asking until the registry answers."""
        while True:
            try:
                return await self.pinned(spec, epoch)
            except Temporary:
                await asyncio.sleep(_AGAIN_S)

    def conclude(self, spec: CallSpec, epoch: int, cause: Cause, dial: str) -> asyncio.Task[bool]:
        """Ends the pin and frees the tenant's slot, however long that takes.

        Of many calls that end at the same moment a few begin in each turn of the loop.
        The result: whether the pin was this worker's to end.
        """
        task = asyncio.get_running_loop().create_task(self._conclude(spec, epoch, cause, dial))
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        return task

    async def _conclude(self, spec: CallSpec, epoch: int, cause: Cause, dial: str) -> bool:
        while True:
            await self._turnstile.enter()
            try:
                ours = await self._end_pin(spec, epoch, cause, dial)
                await self._slots.delete(spec.slot, spec.slot_revision)
            except Temporary:
                await asyncio.sleep(_AGAIN_S)
                continue
            return ours

    async def _end_pin(self, spec: CallSpec, epoch: int, cause: Cause, dial: str) -> bool:
        while (found := await self._mine(spec, epoch)) is not None:
            pin, entry = found
            ended = msgspec.structs.replace(
                pin, state=PinState.ENDED, cause=cause.value, next_dial=dial
            )
            value = msgspec.json.encode(ended)
            if await self._pins.replace(entry.key, value, entry.revision, ttl_s=PIN_KEPT_S):
                return True
        return False

    async def _mine(self, spec: CallSpec, epoch: int) -> tuple[Pin, Entry] | None:
        entry = await self._pins.get(pin_key(spec))
        if entry is None:
            return None
        try:
            pin = msgspec.json.decode(entry.value, type=Pin)
        except (ValueError, RecursionError):
            _log.error("a pin cannot be read", extra={"call": spec.call, "key": entry.key})
            return None
        ours = (pin.call, pin.worker, pin.epoch) == (spec.call, self._worker, epoch)
        return (pin, entry) if ours and pin.state is PinState.PINNED else None

    def _value(self) -> bytes:
        return msgspec.json.encode(self._record())


def pin_key(spec: CallSpec) -> str:
    """Where a call's pin lies."""
    return f"{spec.channel.value}-{spec.carrier_call_id}"
