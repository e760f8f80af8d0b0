"""Recordings: when to wait, what order, what silence, and the file itself."""

import io

import numpy as np
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from callfunnel.events.audio import AudioSegment
from workers.persistence.recordings.assembly import assembled
from workers.persistence.recordings.rules import (
    GRACE_S,
    UNKNOWN_GRACE_S,
    Waiting,
    backoff,
    plan,
    wait_for_more,
)

SILENCE = 0xFF


def segment(n: int, caller: int = SILENCE, agent: int = SILENCE, size: int = 80) -> AudioSegment:
    return AudioSegment(
        n=n, start=n * 80, caller=bytes([caller]) * size, agent=bytes([agent]) * size
    )


def waiting(segments: int, waited_s: float = 0.0) -> Waiting:
    return Waiting("c", segments, 1000, "", waited_s, 0)


def test_it_waits_for_segments_that_must_exist_but_not_for_ever() -> None:
    assert wait_for_more(waiting(3), [0, 2]) > 0
    assert wait_for_more(waiting(3), [0, 1, 2]) == 0
    assert wait_for_more(waiting(3, GRACE_S), [0, 2]) == 0
    assert wait_for_more(waiting(0), []) == 0


def test_a_lost_workers_segments_are_given_a_moment() -> None:
    assert wait_for_more(waiting(-1), [0, 1]) == UNKNOWN_GRACE_S
    assert wait_for_more(waiting(-1, UNKNOWN_GRACE_S), []) == 0


def test_tries_grow_apart() -> None:
    waits = [backoff(n) for n in range(12)]
    assert waits == sorted(waits)
    assert waits[-1] == 30


def test_segments_are_put_in_order_and_told_twice_count_once() -> None:
    made = plan([segment(2), segment(0), segment(1), segment(1)], 3, 30)
    assert [part.n for part in made.parts] == [0, 1, 2]
    assert (made.samples, made.missing, made.duration_ms) == (240, 0, 30)


def test_a_gap_is_silence_and_counted() -> None:
    made = plan([segment(0), segment(2)], 3, 30)
    assert (made.samples, made.missing) == (240, 1)


def test_a_missing_end_is_silence_up_to_the_calls_length() -> None:
    made = plan([segment(0)], 3, 30)
    assert (made.duration_ms, made.missing) == (30, 2)


def test_a_lost_workers_recording_is_as_long_as_what_came() -> None:
    made = plan([segment(0), segment(1), segment(3)], -1, 99_000)
    assert (made.duration_ms, made.missing) == (40, 1)


def test_segments_that_nobody_expects_are_missing_when_a_number_or_the_length_says_so() -> None:
    between = plan([segment(0), segment(2)], 2, 30)
    assert (between.samples, between.missing) == (240, 1)
    long = [AudioSegment(n=0, start=0, caller=b"x" * 8000, agent=b"x" * 8000)]
    tail = plan(long, 1, 3500)
    assert (tail.duration_ms, tail.missing) == (3500, 3)


def test_all_that_are_expected_are_there_whatever_their_numbers() -> None:
    assert wait_for_more(waiting(2), [0, 5]) == 0


def test_it_looks_less_often_the_longer_it_waits() -> None:
    looks = [wait_for_more(waiting(3, waited), [0]) for waited in (0.0, 1.0, 8.0, 60.0, 800.0)]
    assert looks == [0.5, 0.5, 1.0, 7.5, 10.0]


def test_no_audio_is_an_empty_plan() -> None:
    made = plan([], 0, 5000)
    assert (made.samples, made.missing, made.parts) == (0, 0, ())


def read(body: bytes) -> np.ndarray:
    sound, rate = soundfile.read(io.BytesIO(body), dtype="int16")
    assert rate == 8000
    return np.asarray(sound)


def test_the_caller_is_left_and_the_agent_right_and_gaps_are_silent() -> None:
    body = assembled(plan([segment(0, caller=0x00), segment(2, agent=0x80)], 3, 30))
    sound = read(body)
    assert sound.shape == (240, 2)
    assert set(sound[:80, 0]) == {-32124}
    assert set(sound[160:, 1]) == {32124}
    assert not sound[:80, 1].any()
    assert not sound[80:160].any()
    assert not sound[160:, 0].any()


def test_every_code_decodes_as_g711_says() -> None:
    known = {0x00: -32124, 0x80: 32124, 0xFF: 0, 0x7F: 0, 0xF0: 120, 0x70: -120, 0xE0: 372}
    codes = bytes(range(256))
    one = AudioSegment(n=0, start=0, caller=codes, agent=codes)
    sound = read(assembled(plan([one], 1, 32)))
    for code, sample in known.items():
        assert sound[code, 0] == sample
    assert (sound[:, 0] == sound[:, 1]).all()
    assert (sound[:128, 0] == -sound[128:, 0]).all()


def test_the_same_segments_make_the_same_file() -> None:
    parts = [segment(n, caller=n * 7) for n in range(5)]
    assert assembled(plan(parts, 5, 50)) == assembled(plan(parts[::-1], 5, 50))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 400), st.integers(0, 120)), max_size=8))
def test_any_segments_make_a_file_of_the_planned_length(raw: list[tuple[int, int, int]]) -> None:
    parts = [
        AudioSegment(n=n, start=start, caller=b"\x10" * size, agent=b"\x20" * (size // 2))
        for n, start, size in raw
    ]
    made = plan(parts, -1, 100)
    if made.samples:
        assert len(read(assembled(made))) >= made.samples
