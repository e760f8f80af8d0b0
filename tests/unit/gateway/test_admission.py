"""Admission holds everything or nothing, whichever step fails; a refusal is told exactly once."""

import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec
import pytest

from callfunnel.domain.call import CallSpec, Channel, Pin, PinState, SlotHolder, WorkerRecord
from callfunnel.domain.errors import Temporary
from callfunnel.domain.ids import CallId, TenantId, WorkerId
from callfunnel.domain.rulebook import Busy, Persona, PublishedRulebook, Rulebook
from callfunnel.events.requests import Reserved
from gateway.admission import Admission
from gateway.offers import Offer, is_refused
from gateway.placement import LiveWorker

TENANT = TenantId("acme")
BOOK = PublishedRulebook(
    version=4,
    digest="",
    published_at="",
    rulebook=Rulebook(
        agent="agent",
        persona=Persona(name="N", company="C"),
        greeting="Hi.",
        busy=Busy(say="Busy, sorry."),
    ),
)


@dataclass
class World:
    """The registry and its workers in memory; the step named in `fails` raises Temporary.

    A step in `fails_after` is carried out first: whoever asked cannot know.
    """

    limit: int = 2
    workers_: dict[WorkerId, int] = field(default_factory=lambda: {WorkerId("w1"): 2})
    refuses: dict[WorkerId, str] = field(default_factory=dict)
    fails: set[str] = field(default_factory=set)
    fails_after: set[str] = field(default_factory=set)
    book: PublishedRulebook | None = BOOK
    pins: dict[str, Pin] = field(default_factory=dict)
    held: dict[str, tuple[SlotHolder, int]] = field(default_factory=dict)
    reserved: dict[tuple[WorkerId, CallId], CallSpec] = field(default_factory=dict)
    told: list[Pin] = field(default_factory=list)
    rival: Pin | None = None
    revisions: itertools.count = field(default_factory=lambda: itertools.count(1))

    def _step(self, name: str) -> None:
        if name in self.fails:
            raise Temporary(name)

    def _after(self, name: str) -> None:
        if name in self.fails_after:
            raise Temporary(name)

    def workers(self) -> Mapping[WorkerId, LiveWorker]:
        return {name: LiveWorker(_record(name, slots), 1) for name, slots in self.workers_.items()}

    def slots(self, tenant: TenantId) -> set[int]:
        return {int(key.partition(".")[2]) for key in self.held}

    def rulebook(self, tenant: TenantId, agent: str) -> PublishedRulebook | None:
        return self.book

    async def pin(self, key: str) -> Pin | None:
        self._step("pin")
        return self.pins.get(key)

    async def create_pin(self, key: str, pin: Pin) -> bool:
        self._step("create_pin")
        if self.rival is not None:
            self.pins[key], self.rival = self.rival, None
        created = self.pins.setdefault(key, pin) is pin
        self._after("create_pin")
        return created

    async def end_pin(self, key: str, pin: Pin) -> None:
        self._step("end_pin")
        if self.pins.get(key) == pin:
            self.pins[key] = msgspec.structs.replace(pin, state=PinState.ENDED)

    async def take_slot(self, slot: str, holder: SlotHolder, revision: int) -> int | None:
        self._step("take_slot")
        if self.held.get(slot, (None, 0))[1] != revision:
            return None
        self.held[slot] = (holder, next(self.revisions))
        return self.held[slot][1]

    async def free_slot(self, slot: str, revision: int) -> None:
        self._step("free_slot")
        if self.held.get(slot, (None, 0))[1] == revision:
            del self.held[slot]

    async def reserve(self, worker: WorkerId, spec: CallSpec) -> Reserved:
        self._step("reserve")
        if worker in self.refuses:
            return Reserved(ok=False, reason=self.refuses[worker])
        self.reserved[worker, spec.call] = spec
        self._after("reserve")
        return Reserved(ok=True, token="t", epoch=1)

    async def release(self, worker: WorkerId, tenant: TenantId, call: CallId) -> None:
        self._step("release")
        self.reserved.pop((worker, call), None)

    async def tell(self, pin: Pin) -> None:
        self._step("tell")
        self.told.append(pin)

    async def admit(self, call: str = "CA1") -> Pin:
        return await Admission(self, self, self, lambda: 0.0).admit(offer(call, self.limit))


def _record(name: WorkerId, slots: int) -> WorkerRecord:
    return WorkerRecord(
        worker=name, url="ws://x", slots=slots, used=0, draining=False, model="demo", at=""
    )


def offer(call: str, limit: int) -> Offer:
    return Offer(
        tenant=TENANT,
        agent="agent",
        call_limit=limit,
        channel=Channel.TWILIO,
        carrier_call_id=call,
        caller="+1555",
        callee="+1556",
    )


async def test_an_admitted_call_holds_a_slot_a_reservation_and_a_pin() -> None:
    world = World()
    pin = await world.admit()
    ((_, call),) = world.reserved
    assert (pin.worker, pin.token, pin.media_path) == ("w1", "t", "/media/w1/t")
    assert world.pins == {"twilio-CA1": pin}
    assert pin.spec.slot_revision == world.held[pin.spec.slot][1]
    assert pin.spec.rulebook_version == 4
    assert call == pin.call


async def test_the_same_call_again_is_the_same_pin() -> None:
    world = World()
    assert await world.admit() == await world.admit()
    assert len(world.reserved) == len(world.held) == 1


async def test_a_tenant_that_names_the_call_of_another_learns_nothing_of_it() -> None:
    world = World()
    admission = Admission(world, world, world)
    theirs = await admission.admit(offer("CA1", 2))
    before = (dict(world.held), dict(world.reserved), dict(world.pins))
    pin = await admission.admit(replace(offer("CA1", 2), tenant=TenantId("mallory")))
    assert is_refused(pin)
    assert pin.tenant == "mallory"
    assert pin.call != theirs.call
    assert not pin.media_path
    assert (world.held, world.reserved, world.pins) == before


async def test_the_tenants_limit_refuses_with_its_busy_treatment() -> None:
    world = World(limit=1)
    await world.admit("CA1")
    refused = await world.admit("CA2")
    assert is_refused(refused)
    assert (refused.apology, refused.cause) == ("Busy, sorry.", "refused_busy")
    assert [pin.call for pin in world.told] == [refused.call]
    assert len(world.reserved) == 1


async def test_a_refusal_is_told_once_and_repeated_the_same() -> None:
    world = World(workers_={})
    first, again = await world.admit(), await world.admit()
    assert first.call == again.call
    assert len(world.told) == 1


async def test_a_refusal_whose_teller_died_is_told_by_the_next() -> None:
    world = World(workers_={}, fails={"end_pin"})
    first = await world.admit()
    await world.admit()
    assert {pin.call for pin in world.told} == {first.call}
    assert len(world.told) == 2


async def test_a_refusal_that_finds_no_room_is_heard_and_left_to_the_reaper() -> None:
    world = World(limit=0, fails={"tell"})
    refused = await world.admit()
    assert (is_refused(refused), refused.apology) == (True, "Busy, sorry.")
    (pin,) = world.pins.values()
    assert pin.state is PinState.REFUSED
    assert await world.admit() == pin


async def test_a_worker_that_refuses_is_passed_over_and_the_slot_goes_along() -> None:
    world = World(workers_={WorkerId("w1"): 5, WorkerId("w2"): 5})
    world.refuses = {WorkerId("w1"): "draining"}
    pin = await world.admit()
    assert pin.worker == "w2"
    ((holder, revision),) = world.held.values()
    assert (holder.worker, revision) == ("w2", pin.spec.slot_revision)


async def test_without_a_rule_book_there_is_no_call() -> None:
    world = World(book=None)
    refused = await world.admit()
    assert (is_refused(refused), refused.cause) == (True, "refused_policy")
    assert not world.held


async def test_the_loser_of_a_race_gives_everything_back_and_answers_as_the_winner() -> None:
    winner = await World().admit()
    world = World(rival=winner)
    assert await world.admit() == winner
    assert not world.held
    assert not world.reserved


@pytest.mark.parametrize("step", ["pin", "take_slot", "reserve", "create_pin"])
async def test_whatever_fails_before_the_pin_leaves_nothing_behind(step: str) -> None:
    world = World(fails={step})
    refused = await world.admit()
    assert is_refused(refused)
    assert [pin.call for pin in world.told] == [refused.call]
    if step != "create_pin":  # then the worker lets go, once it has looked for the pin
        assert not world.held
        assert not world.reserved


async def test_a_reservation_that_may_exist_is_given_back() -> None:
    world = World(fails_after={"reserve"})
    assert is_refused(await world.admit())
    assert not world.held
    assert not world.reserved


async def test_a_pin_that_may_exist_keeps_its_reservation_for_the_worker_to_judge() -> None:
    world = World(fails_after={"create_pin"})
    refused = await world.admit()
    ((_, call),) = world.reserved
    assert call == world.pins["twilio-CA1"].call
    assert refused.call != call


async def test_what_cannot_be_given_back_now_does_not_hide_the_answer() -> None:
    world = World(refuses={WorkerId("w1"): "full"}, fails={"free_slot", "release"})
    assert is_refused(await world.admit())


class Behind(World):
    """A gateway whose mirror of the slots has heard nothing yet."""

    def slots(self, tenant: TenantId) -> set[int]:
        return set()


async def test_many_calls_at_once_find_slots_before_the_mirror_shows_who_has_them() -> None:
    world = Behind(limit=1000, workers_={WorkerId("w1"): 1000})
    admission = Admission(world, world, world, random.Random(4).random)
    pins = [await admission.admit(offer(f"CA{n}", world.limit)) for n in range(60)]
    assert not any(is_refused(pin) for pin in pins)
