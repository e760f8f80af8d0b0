"""Leases, pins and slots under every order of freezes, deaths, lies and late comers."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from callfunnel.domain.call import PinState
from callfunnel.domain.ids import WorkerId
from tests.scenarios.registry.house import LIMIT, House, Life

NAMES = [WorkerId("media-1"), WorkerId("media-2")]
CAPACITY = 2
LONGEST_S = 60.0


class Registry(RuleBasedStateMachine):
    """Two workers of two slots, a tenant that may have three calls, gateways and reapers."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.tokens: list[str] = []

    @initialize()
    def two_workers(self) -> None:
        for name in NAMES:
            self._start(name)

    @rule(seconds=st.sampled_from([0.5, 1.0, 2.0, 5.0, 7.0]), renewing=st.booleans())
    def time_goes_by(self, seconds: float, renewing: bool) -> None:
        self.house.now += seconds
        if renewing:
            self._renew_all()

    @rule(draw=st.floats(0, 1, exclude_max=True), dies=st.sampled_from(["", "", "", "slot", "pin"]))
    def a_call_comes(self, draw: float, dies: str) -> None:
        token = self.house.run(self.house.place(draw, dies=dies))
        if token:
            self.tokens.append(token)

    @rule(data=st.data())
    def a_socket_comes(self, data: st.DataObject) -> None:
        if self.tokens:
            token = data.draw(st.sampled_from(self.tokens))
            for life in self._all():
                self.house.run(life.connect(token))

    @rule(data=st.data())
    def a_caller_hangs_up(self, data: st.DataObject) -> None:
        talking = [(life, call) for life in self._all() if life.acts for call in life.live]
        if talking:
            life, call = data.draw(st.sampled_from(talking))
            self.house.run(life.hang_up(call))

    @rule(name=st.sampled_from(NAMES))
    def a_worker_freezes_or_thaws(self, name: WorkerId) -> None:
        life = self.house.lives[name]
        life.frozen = not life.frozen

    @rule(
        name=st.sampled_from(NAMES),
        seconds=st.sampled_from([3, 7, 9, 11, 21]),
        calls=st.integers(0, 2),
        reaping=st.booleans(),
    )
    def a_worker_is_frozen_for_a_while(
        self, name: WorkerId, seconds: int, calls: int, reaping: bool
    ) -> None:
        """While the others go on, new calls come, and a reaper looks or does not."""
        life = self.house.lives[name]
        life.frozen = True
        for _ in range(seconds):
            self.house.now += 1.0
            self._renew_all()
            if reaping:
                self.house.run(self.house.reap())
        for _ in range(calls):
            self.a_call_comes(0.5, "")
        life.frozen = False
        self._renew_all()

    @rule(name=st.sampled_from(NAMES))
    def a_worker_lies_about_its_slots_from_now_on(self, name: WorkerId) -> None:
        self.house.lives[name].lies = True

    @rule(name=st.sampled_from(NAMES))
    def a_worker_dies_and_is_started_again(self, name: WorkerId) -> None:
        self.house.lives[name].alive = False
        self._start(name)

    @rule(name=st.sampled_from(NAMES))
    def another_takes_the_name_while_the_first_one_is_only_frozen(self, name: WorkerId) -> None:
        before = self.house.lives[name]
        before.frozen = True
        self.house.ghosts.append(before)
        self._start(name)

    @rule()
    def the_ghosts_come_back(self) -> None:
        for ghost in self.house.ghosts:
            ghost.frozen = False

    @rule(dies=st.booleans())
    def a_reaper_looks(self, dies: bool) -> None:
        self.house.run(self.house.reap(dies=dies))

    @invariant()
    def every_call_ends_once(self) -> None:
        assert all(len(ends) == 1 for ends in self.house.ends.values()), self.house.ends

    @invariant()
    def nobody_holds_more_calls_than_it_has_slots(self) -> None:
        for life in self._all():
            assert life.slots.used <= CAPACITY
            assert len(life.live) == life.slots.live

    @invariant()
    def the_tenant_has_no_more_calls_than_it_may(self) -> None:
        live = {name: entry.epoch for name, entry in self.house.workers.entries.items()}
        pinned = [pin for pin in self.house.open_pins() if pin.state is PinState.PINNED]
        counted = [pin for pin in pinned if live.get(pin.worker) == pin.epoch]
        assert len(counted) <= LIMIT
        assert len(self.house.slots.entries) <= LIMIT

    def no_zombie_talks_on(self, life: Life) -> None:
        """Right after a renewal: what it still talks to is its own."""
        mine = {pin.call for pin in self.house.open_pins() if pin.state is PinState.PINNED}
        assert set(life.live) <= mine

    def teardown(self) -> None:
        """Whatever happened: left alone for a while, every call has an end, no slot is held."""
        for life in self._all():
            life.frozen = False
        for _ in range(int(LONGEST_S / 2)):
            self.house.now += 2.0
            self._renew_all()
            self.house.run(self.house.reap())
        for life in self._all():
            for call in list(life.live):
                self.house.run(life.hang_up(call))
        for _ in range(int(LONGEST_S / 2)):
            self.house.now += 2.0
            self._renew_all()
            self.house.run(self.house.reap())
        assert self.house.open_pins() == []
        assert self.house.slots.entries == {}
        self.every_call_ends_once()
        assert all(life.slots.used == 0 for life in self._all())
        self.house.close()

    def _renew_all(self) -> None:
        for life in self._all():
            if life.acts:
                self.house.run(life.renew())
                self.no_zombie_talks_on(life)
                self.house.run(life.sweep())

    def _start(self, name: WorkerId) -> None:
        life = Life(self.house, name, CAPACITY)
        self.house.lives[name] = life
        self.house.run(life.start())

    def _all(self) -> list[Life]:
        return [life for life in (*self.house.lives.values(), *self.house.ghosts) if life.alive]


TestRegistry = Registry.TestCase
TestRegistry.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
