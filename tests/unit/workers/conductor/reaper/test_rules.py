"""The reaper's decisions in virtual time."""

from hypothesis import given
from hypothesis import strategies as st

from callfunnel.domain.call import Cause, Pin, PinState
from callfunnel.domain.ids import CallId, TenantId, WorkerId
from callfunnel.events.call import CallEnded, CallOffered, CallRefused
from tests.simulators import room
from workers.conductor.reaper import rules
from workers.conductor.reaper.rules import Held, Registry, Told, Watch

NOW = "2026-01-01T00:01:00.000000Z"


def pin(state: PinState = PinState.PINNED, cause: str = "") -> Pin:
    call = CallId("c_1")
    spec = room.spec(
        tenant=TenantId("demo"),
        call=call,
        carrier_call_id="CA1",
        rulebook_version=1,
        offered_at="2026-01-01T00:00:00.000000Z",
        slot_revision=7,
    )
    return Pin(
        tenant=spec.tenant,
        call=call,
        worker=WorkerId("" if state == PinState.REFUSED else "media-1"),
        epoch=0 if state == PinState.REFUSED else 5,
        token="t",
        media_path="/media/media-1/t",
        spec=spec,
        state=state,
        cause=cause,
    )


def registry(epoch: int | None, revision: int = 1, *, pinned: bool = True) -> Registry:
    held = Held(revision, "media-1", 5, "c_1")
    workers = {} if epoch is None else {"media-1": epoch}
    return Registry(workers, {"twilio-CA1": held} if pinned else {}, {"demo.0": held})


def test_a_held_call_is_nobody_s_business() -> None:
    watch = Watch()
    for now in range(0, 1000, 10):
        assert watch.due(registry(5), now) == rules.Orphans({}, {})
        assert watch.next_look(registry(5)) is None


def test_a_lost_worker_s_call_and_slot_are_due_after_the_grace() -> None:
    watch = Watch(grace_s=4)
    assert watch.due(registry(None), 100.0) == rules.Orphans({}, {})
    assert watch.next_look(registry(None)) == 104.0
    assert watch.due(registry(None), 103.9) == rules.Orphans({}, {})
    assert watch.due(registry(None), 104.0) == rules.Orphans({"twilio-CA1": 1}, {"demo.0": 1})


def test_a_call_that_a_dead_reaper_spoke_for_is_due_though_its_worker_is_back() -> None:
    watch = Watch(grace_s=4)
    begun = rules.held_pin(rules.reaping(pin(PinState.PINNED)), 2)
    assert begun is not None
    seen = Registry({"media-1": 5}, {"twilio-CA1": begun}, {})
    assert watch.due(seen, 100.0) == rules.Orphans({}, {})
    assert watch.due(seen, 104.0) == rules.Orphans({"twilio-CA1": 2}, {})


def test_a_successor_under_the_same_name_does_not_hold_its_predecessor_s_calls() -> None:
    watch = Watch(grace_s=4)
    watch.due(registry(9), 0.0)
    assert watch.due(registry(9), 4.0).pins == {"twilio-CA1": 1}


def test_a_holder_that_comes_back_within_its_grace_keeps_its_call() -> None:
    watch = Watch(grace_s=4)
    watch.due(registry(None), 0.0)
    watch.due(registry(5), 3.0)
    assert watch.due(registry(None), 5.0).pins == {}
    assert watch.due(registry(None), 9.0).pins == {"twilio-CA1": 1}


def test_a_change_of_the_pin_begins_the_grace_anew() -> None:
    watch = Watch(grace_s=4)
    watch.due(registry(None, revision=1), 0.0)
    assert watch.due(registry(None, revision=2), 5.0).pins == {}
    assert watch.due(registry(None, revision=2), 9.0).pins == {"twilio-CA1": 2}


def test_after_an_interruption_everyone_gets_the_grace_again() -> None:
    watch = Watch(grace_s=4)
    watch.due(registry(None), 0.0)
    watch.forget()
    assert watch.due(registry(None), 5.0).pins == {}


def test_a_slot_whose_gateway_died_before_the_pin_is_freed_in_the_end() -> None:
    watch = Watch(unpinned_s=45)
    assert watch.due(registry(5, pinned=False), 0.0).slots == {}
    assert watch.due(registry(5, pinned=False), 44.0).slots == {}
    assert watch.due(registry(5, pinned=False), 45.0).slots == {"demo.0": 1}


@given(
    st.lists(st.tuples(st.floats(0, 3), st.sampled_from(["live", "gone", "blind"])), max_size=60)
)
def test_nothing_is_due_that_was_not_seen_gone_for_the_whole_grace(
    history: list[tuple[float, str]],
) -> None:
    watch, now, gone_since = Watch(grace_s=4), 0.0, None
    for step, what in history:
        now += step
        if what == "blind":
            watch.forget()
            gone_since = None
            continue
        gone_since = None if what == "live" else (now if gone_since is None else gone_since)
        due = watch.due(registry(5 if what == "live" else None), now)
        assert bool(due.pins) == (gone_since is not None and now - gone_since >= 4)


def test_the_end_names_the_last_fact_on_the_bus() -> None:
    (end,) = rules.last_words(
        pin(),
        Told(frozenset({1, 2, 3, 9}), usage_records=2, connected=True, audio_ms=4200),
        NOW,
    )

    assert end.envelope.id == "c_1-end"
    assert end.envelope.seq == 10
    assert isinstance(end.data, CallEnded)
    assert (end.data.cause, end.data.last_seq) == (Cause.WORKER_LOST, 9)
    assert (end.data.duration_ms, end.data.answered) == (4200, True)
    assert (end.data.segments, end.data.usage_records) == (-1, 2)


def test_a_call_nobody_spoke_of_gets_its_beginning_too() -> None:
    words = rules.last_words(pin(), Told(), NOW)

    assert [word.envelope.id for word in words] == ["c_1-1", "c_1-2", "c_1-3", "c_1-end"]
    assert [word.envelope.seq for word in words] == [1, 2, 3, 4]
    assert isinstance(words[-1].data, CallEnded)
    assert words[-1].data.last_seq == 3
    assert (words[-1].data.segments, words[-1].data.usage_records) == (0, 0)


def test_an_end_that_is_told_is_not_told_again() -> None:
    assert rules.last_words(pin(), Told(frozenset({1, 2, 3, 4}), ended=True), NOW) == []


def test_a_refusal_whose_gateway_died_is_told_as_the_gateway_would_have() -> None:
    words = rules.last_words(pin(PinState.REFUSED, cause="refused_busy"), Told(frozenset({1})), NOW)

    assert [type(word.data) for word in words] == [CallOffered, CallRefused, CallEnded]
    assert [word.envelope.id for word in words] == ["c_1-1", "c_1-2", "c_1-end"]
    assert isinstance(words[-1].data, CallEnded)
    assert words[-1].data.cause == Cause.REFUSED_BUSY


@given(st.sets(st.integers(1, 500)), st.booleans(), st.integers(0, 10**7))
def test_whatever_was_told_there_is_exactly_one_end_after_the_last_fact(
    seqs: set[int], connected: bool, audio_ms: int
) -> None:
    told = Told(frozenset(seqs), connected=connected, audio_ms=audio_ms)
    words = rules.last_words(pin(), told, NOW)

    ends = [word for word in words if isinstance(word.data, CallEnded)]
    assert len(ends) == 1
    known = seqs | {word.envelope.seq for word in words if word is not ends[0]}
    assert ends[0].data.last_seq == max(known)
    assert len({word.envelope.id for word in words}) == len(words)


def test_what_the_bus_holds_is_read_from_headers_alone() -> None:
    headers = [
        {"ce-type": "callfunnel.call.offered.v1", "ce-seq": "1"},
        {"ce-type": "callfunnel.call.connected.v1", "ce-seq": "4"},
        {"ce-type": "callfunnel.call.connected.v1", "ce-seq": "garbage"},
        {"ce-type": "callfunnel.call.connected.v1", "ce-seq": "²"},
        {},
    ]
    assert rules.told_of(headers, [], 100) == Told(frozenset({1, 4}), connected=True, audio_ms=100)


def test_usage_that_was_told_twice_is_counted_once() -> None:
    usage = [{"ce-id": "c_1-u-tool.calls-t_1"}, {"ce-id": "c_1-u-tool.calls-t_1"}]
    assert rules.told_of([], usage, 0).usage_records == 1
