"""The whole registry in memory and in virtual time: workers, one tenant, gateways and reapers.

What decides is the product's own code: `Lease`, `Slots`, `placement`, the worker's `Registry`, the
reaper's rules. What is here is the bucket with its expiry, and everybody's hands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from callfunnel.domain.call import (
    CallSpec,
    Cause,
    Pin,
    PinState,
    SlotHolder,
    WorkerRecord,
)
from callfunnel.domain.ids import CallId, WorkerId
from callfunnel.infra.kv import Entry
from callfunnel.infra.lease import Lease
from gateway.placement import LiveWorker, free_slots, pick_worker
from tests.simulators.room import TENANT, rulebook, spec
from workers.conductor.reaper import rules
from workers.media.registry import Registry, pin_key
from workers.media.slots import Reservation, Slots

TTL_S = 6
LIMIT = 2
HELD_S = 30.0


class Bucket:
    """Compare-and-set with expiry, at the house's time."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._entries: dict[str, tuple[Entry, float]] = {}
        self._revision = 0

    @property
    def entries(self) -> dict[str, Entry]:
        return {k: e for k, (e, until) in self._entries.items() if self._now() < until}

    async def get(self, key: str) -> Entry | None:
        return self.entries.get(key)

    async def create(self, key: str, value: bytes, *, ttl_s: int = 0, epoch: int = 0) -> int | None:
        return None if key in self.entries else self._put(key, value, ttl_s, epoch)

    async def replace(
        self, key: str, value: bytes, revision: int, *, ttl_s: int = 0, epoch: int = 0
    ) -> int | None:
        found = self.entries.get(key)
        if found is None or found.revision != revision:
            return None
        return self._put(key, value, ttl_s, epoch)

    async def delete(self, key: str, revision: int | None = None) -> bool:
        found = self.entries.get(key)
        if found is None or revision not in (None, found.revision):
            return False
        del self._entries[key]
        return True

    def _put(self, key: str, value: bytes, ttl_s: int, epoch: int) -> int:
        self._revision += 1
        entry = Entry(key, value, self._revision, epoch or self._revision)
        self._entries[key] = (entry, self._now() + ttl_s if ttl_s else float("inf"))
        return self._revision


@dataclass
class Life:
    """One process of a media worker, from its start to its death."""

    house: House
    name: WorkerId
    capacity: int
    lies: bool = False
    frozen: bool = False
    alive: bool = True
    lost: bool = False
    live: dict[CallId, Reservation] = field(default_factory=dict)
    granted_without_lease: int = 0

    def __post_init__(self) -> None:
        self.slots = Slots(self.capacity)
        self.lease = Lease(
            self.house.workers,
            self.name,
            ttl_s=TTL_S,
            named=True,
            clock=lambda: self.house.now,
        )
        self.registry = Registry(
            self.house, self.name, self.record, lost=lambda: None, lapsed=lambda: None
        )
        self._lapses = 0
        self._doubtful: frozenset[CallId] = frozenset()

    @property
    def acts(self) -> bool:
        return self.alive and not self.frozen

    def record(self) -> WorkerRecord:
        used = 0 if self.lies else self.slots.used
        slots = 99 if self.lies else self.capacity
        return WorkerRecord(
            worker=self.name, url="", slots=slots, used=used, draining=bool(self.slots.closed),
            model="demo", at="",
        )  # fmt: skip

    async def start(self) -> None:
        assert await self.lease.acquire(msgspec.json.encode(self.record()))

    async def renew(self) -> None:
        if not self.lost and not await self.lease.renew(msgspec.json.encode(self.record())):
            self.lost = True
            self.slots.closed = "fenced"
        if self.lost or self.lease.lapses > self._lapses:
            self._lapses = self.lease.lapses
            self._doubtful = self.slots.reserved
            await self._give_up_lost_calls()

    async def reserve(self, asked: CallSpec, token: str) -> bool:
        """As the desk does."""
        if not self.acts or not self.lease.holds or self.slots.refusal(asked.call):
            return False
        held = Reservation(
            spec=asked,
            rulebook=self.house.book,
            epoch=self.lease.epoch,
            secret="",
            expires=self.house.now + HELD_S,
        )
        self.slots.reserve(held, token)
        return True

    async def connect(self, token: str) -> None:
        if self.acts and (held := self.slots.claim(token, self.house.now)):
            self.live[held.spec.call] = held
            if held.spec.call in self._doubtful:
                await self._give_up_lost_calls()

    async def hang_up(self, call: CallId) -> None:
        """The call ends here as calls do: told, pin ended, slot freed."""
        held = self.live.pop(call)
        self.slots.free(call)
        if await self.registry.conclude(held.spec, held.epoch, Cause.CALLER_HANGUP, ""):
            self.house.ended(call, self.name)

    async def sweep(self) -> None:
        for late in self.slots.expire(self.house.now):
            if await self.registry.conclude(late.spec, late.epoch, Cause.MEDIA_LOST, ""):
                self.house.ended(late.spec.call, self.name)

    async def _give_up_lost_calls(self) -> None:
        for call, held in list(self.live.items()):
            if not await self.registry.pinned(held.spec, held.epoch):
                del self.live[call]
                self.slots.free(call)


class House:
    """Everybody. Methods are what may happen."""

    def __init__(self) -> None:
        self.now = 100.0
        self.workers = Bucket(lambda: self.now)
        self.pins = Bucket(lambda: self.now)
        self.slots = Bucket(lambda: self.now)
        self.book: Any = rulebook()
        self.lives: dict[WorkerId, Life] = {}
        self.ghosts: list[Life] = []
        self.ends: dict[CallId, list[str]] = {}
        self.watch = rules.Watch()
        self._calls = 0
        self._runner = asyncio.Runner()

    def kv(self, bucket: str) -> Any:
        return {"cf_workers": self.workers, "cf_pins": self.pins, "cf_slots": self.slots}.get(
            bucket, self.workers
        )

    def run(self, work: Any) -> Any:
        return self._runner.run(work)

    def close(self) -> None:
        self._runner.close()

    def ended(self, call: CallId, by: str) -> None:
        """Somebody's word ended the pin: it must be the only one."""
        self.ends.setdefault(call, []).append(by)

    # Gateways.

    def live_workers(self) -> dict[WorkerId, LiveWorker]:
        found = {}
        for entry in self.workers.entries.values():
            record = msgspec.json.decode(entry.value, type=WorkerRecord)
            found[record.worker] = LiveWorker(record, entry.epoch)
        return found

    async def place(self, draw: float, *, dies: str = "") -> str:
        """One call by one gateway, which may die `before` or after the reservation (`pin`)."""
        self._calls += 1
        call = CallId(f"c_{self._calls:026d}")
        chosen = pick_worker(self.live_workers().values(), (), draw)
        if chosen is None:
            return ""
        name = chosen.record.worker
        holder = SlotHolder(call=call, worker=name, epoch=chosen.epoch)
        taken = await self._take(holder)
        if taken is None or dies == "slot":
            return ""
        offered = spec(
            call=call, carrier_call_id=f"CA{self._calls}", slot=taken[0], slot_revision=taken[1]
        )
        life = self.lives.get(name)
        token = f"token-{self._calls}"
        if life is None or not await life.reserve(offered, token):
            await self.slots.delete(*taken)
            return ""
        if dies == "pin":
            return ""
        pin = Pin(
            tenant=TENANT, call=call, worker=name, epoch=life.lease.epoch, token=token,
            media_path="", spec=offered,
        )  # fmt: skip
        await self.pins.create(pin_key(offered), msgspec.json.encode(pin))
        return token

    async def _take(self, holder: SlotHolder) -> tuple[str, int] | None:
        held = {int(key.rpartition(".")[2]) for key in self.slots.entries}
        for n in free_slots(LIMIT, held):
            key = f"{TENANT}.{n}"
            taken = await self.slots.create(key, msgspec.json.encode(holder))
            if taken is not None:
                return key, taken
        return None

    # Reapers.

    def registry(self) -> rules.Registry:
        pins = {k: msgspec.json.decode(e.value, type=Pin) for k, e in self.pins.entries.items()}
        holders = {
            k: msgspec.json.decode(e.value, type=SlotHolder) for k, e in self.slots.entries.items()
        }
        held = {k: rules.held_pin(pin, self.pins.entries[k].revision) for k, pin in pins.items()}
        return rules.Registry(
            workers={k: e.epoch for k, e in self.workers.entries.items()},
            pins={k: each for k, each in held.items() if each is not None},
            slots={
                k: rules.held_slot(holder, self.slots.entries[k].revision)
                for k, holder in holders.items()
            },
        )

    async def reap(self, *, dies: bool = False) -> None:
        """One look of a reaper; one that `dies` has only begun to speak."""
        due = self.watch.due(self.registry(), self.now)
        for key, seen in due.pins.items():
            revision = seen
            pin = msgspec.json.decode(self.pins.entries[key].value, type=Pin)
            if pin.state is PinState.PINNED:
                pin = rules.reaping(pin)
                taken = await self.pins.replace(key, msgspec.json.encode(pin), revision)
                assert taken is not None
                revision = taken
            if dies:
                continue
            await self.pins.replace(key, msgspec.json.encode(rules.ended(pin)), revision)
            self.ended(pin.call, "reaper")
            await self.slots.delete(pin.spec.slot, pin.spec.slot_revision)
        for key, revision in due.slots.items():
            await self.slots.delete(key, revision)

    def open_pins(self) -> list[Pin]:
        pins = (msgspec.json.decode(e.value, type=Pin) for e in self.pins.entries.values())
        return [pin for pin in pins if pin.state is not PinState.ENDED]
