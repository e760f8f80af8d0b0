"""A rolling restart in virtual time: rows of a table, and a supervisor that does what is due."""

import dataclasses
from pathlib import Path
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from callfunnel.local.supervision.fleet import Fleet
from callfunnel.local.supervision.process import AnswersUrl, Exits, Process
from callfunnel.local.supervision.roll import SUCCESSOR_WITHIN_S, WELL_WITHIN_S, Roll
from callfunnel.local.supervision.watch import Left, Serving, Starting, Waiting

READY = AnswersUrl("http://127.0.0.1:1/")


def row(name: str, *, beside: bool = False, step: bool = False) -> Process:
    ready = Exits() if step else READY
    return Process(name=name, argv=("x",), env={}, ready=ready, log=Path("log"), beside=beside)


TABLE = [
    row("prepare", step=True),
    row("nats"),
    row("gateway", beside=True),
    row("media-1", beside=True),
]


class House:
    """The fleet with a supervisor that starts, and children that behave as told."""

    def __init__(self) -> None:
        self.now = 0.0
        self.told: list[str] = []
        self.well = True
        self.refuse_to_start: set[str] = set()
        self.linger: set[str] = set()
        self.most_at_once: dict[str, int] = {}
        self.gaps: list[str] = []
        self.departed: list[str] = []
        self.fleet = Fleet(TABLE, named, lambda process, _pid: self.told.append(process.name))
        self.fleet.in_office("prepare").spawned(1, 0.0)
        self.fleet.in_office("prepare").exited(0, 0.0)
        self.live(1.0)

    def live(self, seconds: float, roll: Roll | None = None) -> list[str]:
        """Time goes by; everything that is due happens. What the roll said."""
        said = []
        for _ in range(int(seconds / 0.5)):
            self.now += 0.5
            self._children()
            if roll is not None:
                said.append(roll.step(self.fleet, lambda: self.well, self.now))
        return [each for each in said if each]

    def _children(self) -> None:
        for watch in list(self.fleet.watches):
            name = watch.process.name
            if name in self.told and name not in self.linger:
                self.told.remove(name)
                watch.exited(0, self.now)
            elif isinstance(watch.state, Starting):
                if name not in self.refuse_to_start:
                    watch.became_ready(self.now)
            elif watch.due(self.now, ()):
                watch.spawned(100, self.now)
        self.departed += [each.name for each in self.fleet.departed()]
        if not isinstance(self.fleet.in_office("media-1").state, Serving):
            self.gaps.append(f"{self.now}")

    def names(self) -> list[str]:
        return [w.process.name for w in self.fleet.watches if isinstance(w.state, Serving)]


def named(process: Process, identity: str) -> Process:
    return dataclasses.replace(process, name=identity)


def test_steps_are_no_places() -> None:
    assert House().fleet.places == ["nats", "gateway", "media-1"]


def test_a_program_is_replaced_before_it_leaves() -> None:
    house = House()
    house.gaps.clear()
    roll = Roll(["media-1"])
    said = house.live(5, roll)
    assert roll.over
    assert not roll.failure
    assert house.names() == ["nats", "gateway", "media-1-b"]
    assert house.gaps == []
    assert house.departed == ["media-1"]
    assert said == [
        "media-1: media-1-b starts beside media-1",
        "media-1: media-1-b takes over, media-1 ends what it has",
        "media-1 is done (1.5 s)",
    ]


def test_the_next_successor_has_the_first_name_that_is_free() -> None:
    house = House()
    house.linger.add("media-1")
    house.live(5, Roll(["media-1"]))
    house.live(5, Roll(["media-1"]))
    assert house.names() == ["nats", "gateway", "media-1-c"]
    house.linger.clear()
    house.live(1)
    house.live(5, Roll(["media-1"]))
    assert house.names() == ["nats", "gateway", "media-1"]


def test_there_is_a_name_however_many_still_end_their_calls() -> None:
    house = House()
    house.linger.update(["media-1", *(f"media-1-{c}" for c in "bcdefghijklmnopqrstuvwxyz")])
    for _ in range(27):
        house.live(3, Roll(["media-1"]))
    assert house.names() == ["nats", "gateway", "media-1-28"]


def test_a_service_ends_and_starts_again_under_its_name() -> None:
    house = House()
    house.live(5, roll := Roll(["nats"]))
    assert roll.over
    assert house.names() == ["nats", "gateway", "media-1"]
    assert house.fleet.in_office("nats").restarts == 1


def test_a_successor_that_does_not_start_leaves_the_old_one_in_office() -> None:
    house = House()
    house.refuse_to_start.add("media-1-b")
    roll = Roll(["media-1", "gateway"])
    house.live(SUCCESSOR_WITHIN_S + 5, roll)
    assert roll.failure == (
        "media-1-b does not become ready; the one before goes on; left alone: gateway"
    )
    house.live(1)
    assert house.names() == ["nats", "gateway", "media-1"]


def test_a_successor_that_keeps_dying_is_no_reason_to_end_the_rest() -> None:
    house = House()
    house.refuse_to_start.add("media-1-b")
    roll = Roll(["media-1"])
    for _ in range(40):
        house.live(0.5, roll)
        follower = house.fleet.find("media-1-b")
        if follower is not None and isinstance(follower.state, Starting):
            follower.exited(1, house.now)
    assert roll.failure
    assert house.fleet.find("media-1-b") is None
    assert house.names() == ["nats", "gateway", "media-1"]


def test_nothing_else_is_restarted_while_something_is_not_well() -> None:
    house = House()
    house.well = False
    roll = Roll(["nats", "gateway"])
    house.live(WELL_WITHIN_S + 5, roll)
    assert "not everything is ready again after nats" in roll.failure
    assert house.names() == ["nats", "gateway", "media-1"]


def test_in_place_the_calls_end_before_the_new_one_starts() -> None:
    house = House()
    house.linger.add("media-1")
    roll = Roll(["media-1"], beside=False)
    house.live(WELL_WITHIN_S * 2, roll)
    assert not roll.over
    assert house.names() == ["nats", "gateway"]
    house.linger.clear()
    house.live(3, roll)
    assert (roll.over, roll.failure) == (True, "")
    assert house.names() == ["nats", "gateway", "media-1"]


def test_one_that_dies_before_it_is_told_to_leave_has_left_all_the_same() -> None:
    house = House()
    roll = Roll(["media-1"])
    roll.step(house.fleet, lambda: True, house.now)
    house.live(1)
    watch = house.fleet.in_office("media-1")
    watch.exited(-9, house.now)
    roll.step(house.fleet, lambda: True, house.now)
    house.live(2)
    assert house.departed == ["media-1"]
    assert house.names() == ["nats", "gateway", "media-1-b"]


def test_what_was_drained_stays_away_until_it_is_restarted() -> None:
    house = House()
    house.fleet.drain("media-1", house.now)
    house.live(30)
    assert house.fleet.in_office("media-1").state == Left(0)
    assert house.departed == ["media-1"]
    assert house.fleet.settled
    house.live(3, Roll(["media-1"]))
    assert house.names() == ["nats", "gateway", "media-1"]


def test_whoever_is_drained_last_of_a_kind_leaves_nobody() -> None:
    fleet = Fleet([row("gateway"), row("media-1"), row("media-2")], named, lambda *_: None)
    for watch in fleet.watches:
        watch.spawned(1, 0.0)
        watch.became_ready(1.0)
    assert [fleet.others_serve(place) for place in fleet.places] == [False, True, True]
    fleet.drain("media-2", 2.0)
    assert not fleet.others_serve("media-1")


def test_one_that_is_down_when_its_turn_comes_is_started_at_once() -> None:
    house = House()
    watch = house.fleet.in_office("media-1")
    for _ in range(8):
        watch.exited(1, house.now)
        watch.spawned(5, house.now)
    watch.exited(1, house.now)
    assert isinstance(watch.state, Waiting)
    house.live(2, roll := Roll(["media-1"]))
    assert roll.over
    assert not roll.failure


@given(st.permutations(["nats", "gateway", "media-1"]), st.integers(0, 4), st.randoms())
def test_whatever_dies_meanwhile_all_is_well_in_the_end(
    order: list[str], deaths: int, chance: Random
) -> None:
    house = House()
    roll = Roll(order)
    for _ in range(deaths):
        house.live(chance.choice((0.5, 1.0, 2.0)), roll)
        running = [w for w in house.fleet.watches if isinstance(w.state, Serving)]
        if running:
            chance.choice(running).exited(-9, house.now)
    house.live(120, roll)
    assert roll.over
    assert not roll.failure
    names = house.names()
    assert len(names) == 3
    assert house.fleet.settled


@given(st.lists(st.sampled_from(["roll", "drain", "wait"]), max_size=12))
def test_a_name_belongs_to_one_process_at_a_time(story: list[str]) -> None:
    house = House()
    house.linger.update({"media-1", "media-1-b"})
    for event in story:
        match event:
            case "roll":
                house.live(4, Roll(["media-1"]))
            case "drain":
                house.fleet.drain("media-1", house.now)
            case _:
                house.linger.clear()
                house.live(2)
        names = [each.process.name for each in house.fleet.watches]
        assert len(names) == len(set(names))
