"""The caller hears everything once, in order, in real time; marks tell the truth about it."""

from hypothesis import given
from hypothesis import strategies as st

from callfunnel.carrier.playout import BYTES_PER_MS, SILENCE, Playout

VOICE = b"\x10"


def test_audio_sent_faster_than_real_time_is_heard_in_real_time() -> None:
    playout = Playout(now=0)
    playout.play(VOICE * 8 * 100)
    assert playout.advance(20).audio == VOICE * 160
    assert playout.waiting_ms == 80


def test_the_caller_hears_silence_when_nothing_is_left() -> None:
    playout = Playout(now=0)
    playout.play(VOICE * 80)
    heard = playout.advance(20)
    assert heard.audio == VOICE * 80 + SILENCE * 80
    assert not playout.advance(40).speaking


def test_a_mark_is_echoed_when_what_precedes_it_was_heard() -> None:
    playout = Playout(now=0)
    playout.play(VOICE * 8 * 30)
    playout.mark("half a word")
    assert playout.advance(20).marks == ()
    assert playout.advance(40).marks == ("half a word",)


def test_a_mark_at_the_very_end_of_a_step_is_echoed_in_that_step() -> None:
    playout = Playout(now=0)
    playout.play(VOICE * 160)
    playout.mark("word")
    assert playout.advance(20).marks == ("word",)


def test_a_mark_without_audio_is_echoed_at_once() -> None:
    playout = Playout(now=0)
    playout.mark("nothing")
    assert playout.advance(0).marks == ("nothing",)


def test_clear_drops_the_audio_and_echoes_every_waiting_mark() -> None:
    playout = Playout(now=0)
    playout.play(VOICE * 800)
    playout.mark("one")
    playout.play(VOICE * 800)
    playout.mark("two")
    assert playout.clear() == ("one", "two")
    assert playout.advance(20).audio == SILENCE * 160


def test_time_that_stands_still_plays_nothing() -> None:
    playout = Playout(now=50)
    playout.play(VOICE * 160)
    assert playout.advance(50).audio == b""
    assert playout.advance(40).audio == b""


@given(
    st.lists(st.binary(max_size=700) | st.text(min_size=1, max_size=3), max_size=12),
    st.lists(st.integers(0, 90), max_size=12),
)
def test_nothing_is_lost_doubled_or_reordered(items: list[bytes | str], steps: list[int]) -> None:
    playout, now, heard, marks = Playout(0), 0, b"", []
    for item in items:
        playout.mark(item) if isinstance(item, str) else playout.play(item)
    for step in [*steps, 10_000]:
        now += step
        result = playout.advance(now)
        assert len(result.audio) == step * BYTES_PER_MS
        heard += result.audio
        marks += result.marks
    sent = b"".join(item for item in items if isinstance(item, bytes))
    assert heard == sent.ljust(len(heard), SILENCE)
    assert marks == [item for item in items if isinstance(item, str)]
