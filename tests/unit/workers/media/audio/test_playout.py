"""The window ahead of real time, in numbers."""

from hypothesis import given
from hypothesis import strategies as st

from workers.media.audio.g711 import FRAME, FRAME_S
from workers.media.audio.playout import AHEAD_S, MARK_EVERY, Playout

TONE = b"\x20"


def sent(playout: Playout, now: float) -> list[tuple[bytes, float, int]]:
    frames = []
    while (due := playout.due(now)) is not None:
        frames.append(due)
    return frames


def test_only_what_begins_within_the_window_leaves_at_once() -> None:
    playout = Playout()
    playout.put(TONE * FRAME * 100)
    first = sent(playout, 10.0)
    begins = [round(begins - 10.0, 3) for _, begins, _ in first]
    assert begins == [0, 0.02, 0.04, 0.06, 0.08, 0.1, AHEAD_S]


def test_a_frame_leaves_when_its_timer_comes_and_not_a_step_of_the_clock_later() -> None:
    playout, now, waits = Playout(), 10.0, []
    playout.put(TONE * FRAME * 100)
    sent(playout, now)
    for _ in range(20):
        at = playout.next_at(now)
        assert at is not None
        waits.append(at - now)
        now = at
        assert len(sent(playout, now)) == 1
    assert all(abs(wait - FRAME_S) < 1e-6 for wait in waits)


def test_then_one_frame_leaves_every_20_ms() -> None:
    playout = Playout()
    playout.put(TONE * FRAME * 100)
    sent(playout, 10.0)
    counts = [len(sent(playout, 10.0003 + FRAME_S * n)) for n in range(1, 20)]
    assert counts == [1] * 19


def test_pausing_sends_nothing_and_resuming_goes_on_with_the_next_sample() -> None:
    playout = Playout()
    playout.put(bytes(range(200)) * FRAME)
    before = b"".join(frame for frame, _, _ in sent(playout, 10.0))
    playout.feed = False
    assert sent(playout, 12.0) == []
    assert playout.next_at(12.0) is None
    playout.feed = True
    after = b"".join(frame for frame, _, _ in sent(playout, 12.0))
    whole = bytes(range(200)) * FRAME
    assert whole.startswith(before + after)


def test_a_new_generation_leaves_nothing_of_the_old_one() -> None:
    playout = Playout()
    playout.put(b"\x01" * FRAME * 50)
    sent(playout, 10.0)
    playout.restart()
    playout.put(b"\x02" * FRAME)
    ((frame, _, _),) = sent(playout, 11.0)
    assert frame == b"\x02" * FRAME
    assert playout.sent == FRAME


def test_after_a_clear_the_next_frame_begins_now() -> None:
    playout = Playout()
    playout.put(TONE * FRAME * 50)
    sent(playout, 10.0)
    playout.restart()
    playout.cleared(10.01)
    playout.put(TONE * FRAME)
    ((_, begins, _),) = sent(playout, 10.01)
    assert begins == 10.01


def test_a_short_end_waits_for_its_rest_until_the_carrier_nearly_runs_dry() -> None:
    playout = Playout()
    playout.put(TONE * (FRAME * 3 + 40))
    assert len(sent(playout, 10.0)) == 3
    at = playout.next_at(10.0)
    assert at is not None
    assert 10.03 - 1e-6 < at < 10.04
    ((frame, _, samples),) = sent(playout, at)
    assert (samples, len(frame)) == (40, FRAME)
    assert frame[40:] == b"\xff" * 120


def test_marks_come_at_their_distance_and_behind_the_last_sample() -> None:
    playout = Playout()
    playout.put(TONE * (MARK_EVERY * 2 + FRAME))
    marked, now = [], 0.0
    while playout.waiting:
        if playout.due(now) is None:
            now += FRAME_S
        elif playout.mark_due():
            marked.append(playout.sent)
    assert marked == [MARK_EVERY, 2 * MARK_EVERY, 2 * MARK_EVERY + FRAME]
    assert not playout.mark_due()


@given(
    puts=st.lists(st.binary(min_size=1, max_size=2000), max_size=20),
    pauses=st.lists(st.integers(0, 30), max_size=20),
)
def test_every_sample_leaves_once_in_order_and_never_too_early(
    puts: list[bytes], pauses: list[int]
) -> None:
    playout, now, out, played = Playout(), 5.0, b"", 0
    steps = [*zip(puts, pauses + [1] * len(puts), strict=False)]
    for ulaw, pause in [*steps, (b"", 2000)]:
        playout.put(ulaw)
        for _ in range(pause + 1):
            for frame, begins, samples in sent(playout, now):
                out += frame[:samples]
                played += 1
                assert now <= begins < now + AHEAD_S + 0.001
            now += FRAME_S / 2
    assert out == b"".join(puts)
    assert playout.waiting == 0
