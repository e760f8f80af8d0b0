"""Slots: a property test over every order of requests, and the rules one by one."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from callfunnel.domain.ids import CallId
from callfunnel.domain.rulebook import PublishedRulebook
from tests.simulators.room import rulebook, spec
from workers.media.slots import Reservation, Slots

BOOK = PublishedRulebook(version=1, digest="d", published_at="", rulebook=rulebook())


def reservation(call: str, expires: float = 30.0) -> Reservation:
    named = spec(call=CallId(call), offered_at="")
    return Reservation(spec=named, rulebook=BOOK, epoch=1, secret="", expires=expires)


def test_a_token_opens_its_slot_once() -> None:
    slots = Slots(1)
    slots.reserve(reservation("a"), "token")
    assert slots.peek("other", 1.0) is None
    assert slots.claim("token", 1.0) == reservation("a")
    assert slots.claim("token", 1.0) is None
    assert (slots.used, slots.live) == (1, 1)


def test_a_full_a_closed_and_a_taken_worker_say_so() -> None:
    slots = Slots(1)
    slots.reserve(reservation("a"), "token")
    assert slots.refusal(CallId("b")) == "full"
    assert slots.refusal(CallId("a")) == ""
    slots.claim("token", 1.0)
    assert slots.refusal(CallId("a")) == "taken"
    slots.closed = "draining"
    slots.free(CallId("a"))
    assert slots.refusal(CallId("b")) == "draining"


def test_a_reservation_asked_for_again_has_a_new_token_and_one_slot() -> None:
    slots = Slots(1)
    slots.reserve(reservation("a"), "first")
    slots.reserve(reservation("a"), "second")
    assert slots.used == 1
    assert slots.claim("first", 1.0) is None
    assert slots.claim("second", 1.0) is not None


def test_a_reservation_whose_socket_never_comes_expires() -> None:
    slots = Slots(1)
    slots.reserve(reservation("a", expires=30.0), "token")
    assert slots.expire(29.9) == []
    assert slots.claim("token", 30.0) is None
    assert slots.expire(30.0) == [reservation("a")]
    assert slots.used == 0


def test_only_a_reservation_can_be_given_back() -> None:
    slots = Slots(1)
    slots.reserve(reservation("a"), "token")
    slots.claim("token", 1.0)
    assert not slots.release(CallId("a"))
    assert slots.live == 1


CALLS = st.sampled_from(["a", "b", "c", "d"])


class AnyOrder(RuleBasedStateMachine):
    """Every slot is free, reserved or live, and never more than there are."""

    def __init__(self) -> None:
        super().__init__()
        self.slots = Slots(2)
        self.now = 0.0
        self.live: set[str] = set()

    @rule(call=CALLS)
    def reserve(self, call: str) -> None:
        if not self.slots.refusal(CallId(call)):
            self.slots.reserve(reservation(call, self.now + 30), f"token-{call}")

    @rule(call=CALLS)
    def claim(self, call: str) -> None:
        found = self.slots.claim(f"token-{call}", self.now)
        if found is not None:
            assert call not in self.live
            assert self.now < found.expires
            self.live.add(call)

    @rule(call=CALLS)
    def give_back(self, call: str) -> None:
        self.slots.release(CallId(call))

    @rule(call=CALLS)
    def end(self, call: str) -> None:
        self.slots.free(CallId(call))
        self.live.discard(call)

    @rule(seconds=st.integers(0, 40))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        self.slots.expire(self.now)

    @invariant()
    def never_more_than_there_are(self) -> None:
        assert 0 <= self.slots.used <= self.slots.capacity
        assert self.slots.live == len(self.live)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=30)
