"""Admit a call: every scarce thing is held before the carrier hears an address, or none is.

The order is the decision (see decisions 3 and 4): look for the pin, read the rule book, take a slot
of the tenant, reserve at a worker, create the pin last. Whatever fails before the pin exists gives
back what was held. A call that is not taken is told as such, with the rule book's busy treatment.
"""

import logging
import random
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import msgspec

from callfunnel.domain.call import (
    CallSpec,
    Cause,
    Pin,
    PinState,
    SlotHolder,
)
from callfunnel.domain.errors import Temporary
from callfunnel.domain.ids import CallId, TenantId, WorkerId
from callfunnel.domain.rulebook import Busy, PublishedRulebook
from callfunnel.events.requests import Reserved
from callfunnel.infra.telemetry import Telemetry
from gateway.measures import Measures, Outcome
from gateway.offers import Offer, Refused, pinned, refused_pin, spec_of
from gateway.placement import LiveWorker, free_slots, pick_worker

log = logging.getLogger(__name__)

MOST_SLOT_TRIES = 16
MOST_WORKER_TRIES = 3


class Registry(Protocol):
    """The shared registry: mirrors to read without waiting, and keys changed by compare-and-set.

    Every coroutine raises Temporary when the bus does not answer.
    """

    def workers(self) -> Mapping[WorkerId, LiveWorker]: ...

    def slots(self, tenant: TenantId) -> Collection[int]: ...

    def rulebook(self, tenant: TenantId, agent: str) -> PublishedRulebook | None: ...

    async def pin(self, key: str) -> Pin | None: ...

    async def create_pin(self, key: str, pin: Pin) -> bool: ...

    async def end_pin(self, key: str, pin: Pin) -> None: ...

    async def take_slot(self, slot: str, holder: SlotHolder, revision: int) -> int | None: ...

    async def free_slot(self, slot: str, revision: int) -> None: ...


class Workers(Protocol):
    """Requests to one worker. Raise Temporary when it does not answer in time."""

    async def reserve(self, worker: WorkerId, spec: CallSpec) -> Reserved: ...

    async def release(self, worker: WorkerId, tenant: TenantId, call: CallId) -> None: ...


class Refusals(Protocol):
    """Tells the facts of a call that was not taken; returns once they cannot be lost."""

    async def tell(self, pin: Pin) -> None: ...


@dataclass(frozen=True)
class Slot:
    key: str
    revision: int


class Admission:
    """Admits offers. `draw` gives a number in [0, 1)."""

    def __init__(
        self,
        registry: Registry,
        workers: Workers,
        refusals: Refusals,
        draw: Callable[[], float] = random.random,
        *,
        measures: Measures | None = None,
    ) -> None:
        self._measures = measures or Measures(Telemetry())
        self._registry = registry
        self._workers = workers
        self._refusals = refusals
        self._draw = draw

    async def admit(self, offer: Offer) -> Pin:
        """The call's pin, new or found; `is_refused` when it is not taken."""
        with self._measures.admission() as outcome:
            pin = await self._admit(offer, outcome)
        if pin.tenant == offer.tenant:
            return pin
        # Ids are the carrier's and unique; whoever names another tenant's learns nothing of it.
        log.warning("a call that is another tenant's", extra={"tenant": offer.tenant})
        taken = Refused(Cause.REFUSED_POLICY, "not_theirs")
        return refused_pin(spec_of(offer, 0), taken, Busy().say)

    async def _admit(self, offer: Offer, outcome: Outcome) -> Pin:
        try:
            found = await self._registry.pin(offer.pin_key)
            if found is not None and found.state is PinState.REFUSED:
                await self._tell(offer, found)  # its teller may have died before it was told
            outcome.word = "repeated" if found else "admitted"
            return found or await self._place(offer)
        except Refused as refused:
            outcome.word = refused.reason
            return await self._refuse(offer, refused)
        except Temporary as down:
            outcome.word = "unavailable"
            log.warning("admission failed", extra={"reason": down.reason})
            return await self._refuse(offer, Refused(Cause.REFUSED_BUSY, "unavailable"))

    async def _place(self, offer: Offer) -> Pin:
        book = self._registry.rulebook(offer.tenant, offer.agent)
        if book is None:
            raise Refused(Cause.REFUSED_POLICY, "no_rulebook")
        async with AsyncExitStack() as undo:
            spec = spec_of(offer, book.version)
            pin = await self._reserve(offer, spec, undo)
            try:
                created = await self._registry.create_pin(offer.pin_key, pin)
            except Temporary:
                undo.pop_all()  # it may exist: the worker looks for it before it lets go
                raise
            if created:
                undo.pop_all()
                return pin
        winner = await self._registry.pin(offer.pin_key)
        if winner is None:
            raise Temporary("a pin was created and is gone")
        return winner

    async def _reserve(self, offer: Offer, spec: CallSpec, undo: AsyncExitStack) -> Pin:
        """The pin of a call that holds a tenant's slot and a worker's; `undo` gives both back."""
        slot: Slot | None = None
        tried: list[WorkerId] = []
        while len(tried) < MOST_WORKER_TRIES:
            live = pick_worker(self._registry.workers().values(), tried, self._draw())
            if live is None:
                break
            worker = live.record.worker
            tried.append(worker)
            holder = SlotHolder(call=spec.call, worker=worker, epoch=live.epoch)
            slot = await self._slot(offer, holder, slot)
            undo.push_async_callback(self._free, slot)
            asked = msgspec.structs.replace(spec, slot=slot.key, slot_revision=slot.revision)
            undo.push_async_callback(self._release, worker, asked)
            reserved = await self._ask(worker, asked)
            if reserved.ok:
                return pinned(asked, worker, reserved)
            log.warning("a worker refuses", extra={"worker": worker, "reason": reserved.reason})
        raise Refused(Cause.REFUSED_BUSY, "no_worker")

    async def _ask(self, worker: WorkerId, spec: CallSpec) -> Reserved:
        try:
            return await self._workers.reserve(worker, spec)
        except Temporary as silent:
            log.warning("worker is silent", extra={"worker": worker, "reason": silent.reason})
            return Reserved(ok=False, reason="silent")

    async def _slot(self, offer: Offer, holder: SlotHolder, held: Slot | None) -> Slot:
        """A slot of the tenant in the name of `holder`; one already `held` changes hands."""
        if held is not None:
            revision = await self._registry.take_slot(held.key, holder, held.revision)
            if revision is None:
                raise Temporary("a slot was taken from its holder")
            return Slot(held.key, revision)
        taken = self._registry.slots(offer.tenant)
        draw = self._draw()  # the mirror lags: who comes at once draws apart
        for n in islice(free_slots(offer.call_limit, taken, draw), MOST_SLOT_TRIES):
            key = f"{offer.tenant}.{n}"
            revision = await self._registry.take_slot(key, holder, 0)
            if revision is not None:
                return Slot(key, revision)
        raise Refused(Cause.REFUSED_BUSY, "tenant_limit")

    async def _refuse(self, offer: Offer, refused: Refused) -> Pin:
        """Tells the refusal once, whichever of several equal webhooks came first."""
        book = self._registry.rulebook(offer.tenant, offer.agent)
        treatment = book.rulebook.busy.say if book else Busy().say
        spec = spec_of(offer, book.version if book else 0)
        pin = refused_pin(spec, refused, treatment)
        try:
            if not await self._registry.create_pin(offer.pin_key, pin):
                return await self._registry.pin(offer.pin_key) or pin
        except Temporary as down:
            log.warning("a refusal without a pin", extra={"reason": down.reason})
        await self._tell(offer, pin)
        return pin

    async def _tell(self, offer: Offer, pin: Pin) -> None:
        """One that finds no room is heard all the same; by its open pin the reaper tells it."""
        with _unless_down("refusal"):
            await self._refusals.tell(pin)
            await self._registry.end_pin(offer.pin_key, pin)

    async def _free(self, slot: Slot) -> None:
        with _unless_down("slot"):
            await self._registry.free_slot(slot.key, slot.revision)

    async def _release(self, worker: WorkerId, spec: CallSpec) -> None:
        with _unless_down("reservation"):
            await self._workers.release(worker, spec.tenant, spec.call)


@contextmanager
def _unless_down(what: str) -> Iterator[None]:
    """What cannot be given back now frees itself once its lease or its wait is over."""
    try:
        yield
    except Temporary as down:
        log.warning("not given back", extra={"kind": what, "reason": down.reason})
