"""The ledger of the agent's audio."""

from hypothesis import given
from hypothesis import strategies as st

from workers.media.core.playback import Playback

WINDOW_MS, GRACE_MS = 120, 600
WINDOW = 960


def ledger(*items: tuple[str, int]) -> Playback:
    """A playback with one reply `r` and these items queued at time 0."""
    playback = Playback(WINDOW_MS, GRACE_MS)
    playback.open("r")
    for item, count in items:
        playback.queue("r", item, count, 0.0)
    return playback


def test_nothing_is_heard_before_the_window_is_full() -> None:
    playback = ledger(("a", 8000))
    playback.sent(WINDOW)
    assert playback.heard("a", 0.0) == 0
    playback.sent(160)
    assert playback.heard("a", 0.02) == 160


def test_a_mark_moves_the_clock_ahead_of_the_estimate() -> None:
    playback = ledger(("a", 8000))
    playback.sent(800)
    name = playback.mark()
    assert name == "g0-800"
    assert playback.confirm(name)
    assert playback.heard("a", 0.0) == 800


def test_a_mark_never_confirms_more_than_was_sent() -> None:
    playback = ledger(("a", 8000))
    playback.sent(800)
    playback.confirm("g0-" + "9" * 12)
    assert playback.heard("a", 0.0) == 800


def test_a_mark_of_the_future_confirms_nothing_that_is_sent_later() -> None:
    playback = ledger(("a", 8000))
    playback.sent(800)
    playback.confirm("g0-8000")
    playback.sent(1600)
    assert playback.heard("a", 0.0) == 2400 - WINDOW


def test_a_new_generation_takes_no_audio_of_any_older_reply() -> None:
    playback = ledger(("a", 8000))
    playback.open("s")
    assert playback.renew() == 1
    assert not playback.accepts("r")
    assert not playback.accepts("s")


def test_marks_that_are_none_of_ours_change_nothing() -> None:
    playback = ledger(("a", 8000))
    playback.sent(8000)
    for name in (
        "",
        "g",
        "g0",
        "g0-",
        "g1-800",
        "x0-800",
        "0-800",
        "g0-" + "9" * 5000,
        "g0--5",
        "g0-8e2",
        "g0-୨",
    ):
        assert not playback.confirm(name)
    assert playback.heard("a", 0.0) == 8000 - WINDOW


def test_marks_of_an_older_generation_do_not_move_the_clock() -> None:
    playback = ledger(("a", 8000))
    playback.sent(8000)
    old = playback.mark()
    playback.renew()
    playback.open("s")
    playback.queue("s", "b", 8000, 0.0)
    playback.sent(800)
    assert not playback.confirm(old)
    assert playback.heard_total(0.0) == 0


def test_audio_of_a_reply_that_is_not_open_is_dropped_and_counted() -> None:
    playback = ledger(("a", 8000))
    playback.shut("r")
    assert not playback.accepts("r")
    assert not playback.queue("r", "a", 160, 0.0)
    assert (playback.dropped, playback.queued("a")) == (1, 8000)


def test_items_that_alternate_keep_their_own_positions() -> None:
    playback = ledger(("a", 1600), ("b", 1600), ("a", 1600))
    playback.sent(4000)
    playback.confirm(playback.mark())
    assert (playback.heard("a", 0.0), playback.heard("b", 0.0)) == (2400, 1600)
    assert playback.end_of(("a",)) == 4800


def test_while_feeding_is_held_the_sent_tail_plays_out() -> None:
    playback = ledger(("a", 8000))
    playback.sent(2000)
    playback.hold(1.0)
    assert playback.heard("a", 1.0) == 2000 - WINDOW
    assert playback.heard("a", 1.05) == 2000 - WINDOW + 400
    assert playback.heard("a", 9.0) == 2000


def test_the_clock_does_not_run_backwards_when_feeding_goes_on() -> None:
    playback = ledger(("a", 8000))
    playback.sent(2000)
    playback.hold(1.0)
    playback.release(2.0)
    playback.sent(160)
    assert playback.heard("a", 2.0) == 2000


def test_a_tail_without_its_mark_counts_as_heard_after_a_while() -> None:
    playback = ledger(("a", 1600))
    playback.sent(1600)
    playback.dry(1.0)
    assert not playback.finished(1.5)
    due = playback.deadline()
    assert due is not None
    assert playback.finished(due)
    playback.settle(due)
    assert playback.deadline() is None


def test_a_queue_that_is_not_empty_cannot_be_dry() -> None:
    playback = ledger(("a", 1600))
    playback.sent(800)
    playback.dry(1.0)
    assert not playback.finished(60.0)


STEPS = st.one_of(
    st.tuples(st.just("queue"), st.integers(0, 4000)),
    st.tuples(st.just("sent"), st.integers(0, 4000)),
    st.tuples(st.just("confirm"), st.integers(0, 9000)),
    st.tuples(st.sampled_from(["hold", "release", "dry", "flow", "settle"]), st.just(0)),
)


@given(st.lists(st.tuples(STEPS, st.floats(0, 2)), max_size=30))
def test_heard_never_exceeds_sent_nor_sent_queued_nor_time_runs_back(
    steps: list[tuple[tuple[str, int], float]],
) -> None:
    playback, now, before = ledger(), 0.0, 0
    for (what, count), later in steps:
        now += later
        if what == "queue":
            playback.queue("r", f"i{count % 3}", count, now)
        elif what == "sent":
            playback.sent(count)
        elif what == "confirm":
            playback.confirm(f"g0-{count}")
        else:
            getattr(playback, what)(now)
        heard = playback.heard_total(now)
        assert 0 <= playback.backlog() <= playback.queued_total()
        assert before <= heard <= playback.queued_total() - playback.backlog()
        before = heard
