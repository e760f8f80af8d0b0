"""The calls of a worker: those whose carrier never comes, and what is done for all of them."""

import asyncio
from collections import Counter
from typing import Any, cast

import pytest
from msgspec import structs

from callfunnel.domain.call import CallSpec, Cause
from callfunnel.domain.errors import Temporary
from callfunnel.domain.rulebook import PublishedRulebook
from callfunnel.infra.clock import utc_now
from tests.simulators import virtual_time
from tests.simulators.room import TOKEN, WORKER, Told, rulebook, spec
from workers.media.beginnings import Beginnings
from workers.media.calls import Calls
from workers.media.report import Reporter
from workers.media.server import CarrierSocket
from workers.media.slots import Reservation, Slots

FULL_S = 20.0


class FullDisk(Told):
    """Refuses everything for its first seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.free_at = asyncio.get_running_loop().time() + FULL_S

    def emit(self, *args: Any, **more: Any) -> None:
        if asyncio.get_running_loop().time() < self.free_at:
            raise Temporary("the disk does not take it")
        super().emit(*args, **more)


class House:
    """What calls begin with, and the registry, which is told when they are over."""

    bus = None

    def __init__(self, told: Told) -> None:
        self.told = told
        self.told_before_it_was_over: list[int] = []
        self.registry = self
        self.being_given_up = 0
        self.most_at_once = 0

    def reporter(self, of: Reservation) -> Reporter:
        reporter = Reporter(of.spec, self.told, utc_now)
        reporter.begin(WORKER, of.epoch, of.spec.slot)
        return reporter

    def touch(self) -> None:
        pass

    async def surely_pinned(self, *_call: object) -> bool:
        self.being_given_up += 1
        self.most_at_once = max(self.most_at_once, self.being_given_up)
        await asyncio.sleep(0.01)
        return True

    async def conclude(self, *call: object) -> bool:
        assert Cause.MEDIA_LOST in call
        await asyncio.sleep(0.01)
        self.being_given_up -= 1
        self.told_before_it_was_over.append(len(self.told.events))
        return True


def reserved(calls: int) -> tuple[Slots, list[Reservation]]:
    """Slots that are all held for calls."""
    slots, held = Slots(calls), []
    book = PublishedRulebook(version=3, digest="", published_at=utc_now(), rulebook=rulebook())
    for n in range(calls):
        each = structs.replace(spec(), call=f"call-{n}") if n else spec()
        held.append(Reservation(spec=each, rulebook=book, epoch=7, secret="", expires=0.0))
        slots.reserve(held[-1], f"{TOKEN}-{n}")
    return slots, held


async def after_nobody_came(told: Told, calls: int = 1) -> House:
    """Calls were reserved, and their carrier never connects."""
    house, (slots, _) = House(told), reserved(calls)
    Calls(slots, cast(Beginnings, house)).sweep(now=1.0)
    await asyncio.sleep(FULL_S + 5)
    return house


@pytest.mark.parametrize("disk", [Told, FullDisk])
def test_a_call_whose_carrier_never_came_is_told_to_its_end_before_it_is_over(
    disk: type[Told],
) -> None:
    async def scenario() -> House:
        return await after_nobody_came(disk())

    house = virtual_time.run(scenario())
    assert house.told.end.cause is Cause.MEDIA_LOST
    assert house.told.end.last_seq == 3
    assert house.told_before_it_was_over == [4]


def test_a_carrier_that_stays_away_with_many_calls_keeps_the_others_waiting_for_few() -> None:
    async def scenario() -> House:
        return await after_nobody_came(Told(), calls=50)

    house = virtual_time.run(scenario())
    assert len(house.told_before_it_was_over) == 50
    assert house.most_at_once == 2


class Line:
    """A session that only says in which turn of the loop it was told to drain."""

    def __init__(self, spec: CallSpec, drained: Counter[int]) -> None:
        self.spec = spec
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._drained = drained

    def drain(self) -> None:
        self._drained[virtual_time.turn()] += 1

    def fence(self) -> None: ...


class Crowd(House):
    """Sessions without a call; counts what the registry is asked."""

    epoch = 7

    def __init__(self) -> None:
        super().__init__(Told())
        self.bus = self  # type: ignore[assignment]
        self.asked = 0
        self.drained: Counter[int] = Counter()

    def session(self, of: Reservation, _socket: CarrierSocket) -> Line:
        return Line(of.spec, self.drained)

    async def serve(self, *_: Any, **__: Any) -> None: ...

    async def surely_pinned(self, *_call: object) -> bool:
        self.asked += 1
        return True


def test_of_many_calls_a_few_are_told_in_each_turn_to_say_their_last_words() -> None:
    async def scenario() -> Crowd:
        crowd, (slots, held) = Crowd(), reserved(50)
        calls = Calls(slots, cast(Beginnings, crowd))
        for each in held:
            calls.connect(each, cast(CarrierSocket, None))
        calls.drain()
        await asyncio.sleep(1)
        calls.close()
        return crowd

    crowd = virtual_time.run(scenario())
    assert crowd.drained.total() == 50
    assert max(crowd.drained.values()) == 2


def test_a_call_that_comes_after_a_lapse_is_asked_about_and_no_other_again() -> None:
    async def scenario() -> int:
        crowd, (slots, held) = Crowd(), reserved(50)
        calls = Calls(slots, cast(Beginnings, crowd))
        calls.look_for_lost()
        await asyncio.sleep(10)
        for each in held:
            calls.connect(each, cast(CarrierSocket, None))
        await asyncio.sleep(10)
        calls.close()
        return crowd.asked

    assert virtual_time.run(scenario()) == 50 * 3
