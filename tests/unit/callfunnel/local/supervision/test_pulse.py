from hypothesis import example, given
from hypothesis import strategies as st

from callfunnel.local.supervision.pulse import EVERY_S, LEAST_MISSES, Pulse


def serving(hung_s: float = 12.0) -> Pulse:
    pulse = Pulse(hung_s)
    pulse.begin(100.0)
    return pulse


def test_one_that_answers_is_asked_now_and_then() -> None:
    pulse = serving()
    assert not pulse.due(101.0)
    assert pulse.due(102.0)
    pulse.heard(102.0)
    assert not pulse.due(103.0)


def test_one_that_is_silent_for_long_hangs() -> None:
    pulse = serving()
    verdicts = [pulse.missed(100.0 + 2 * n) for n in range(1, 7)]
    assert verdicts == [False] * 5 + [True]


def test_an_answer_in_between_begins_anew() -> None:
    pulse = serving()
    for n in range(1, 6):
        pulse.missed(100.0 + 2 * n)
    pulse.heard(111.0)
    assert not pulse.missed(113.0)


def test_who_was_stopped_itself_blames_nobody_for_the_time_it_missed() -> None:
    pulse = serving()
    assert not pulse.missed(700.0)
    assert not pulse.missed(702.0)


@given(st.lists(st.tuples(st.floats(0.1, 60.0), st.booleans()), max_size=60), st.floats(2, 60))
@example([(27.2, True), (2.0, True)], 2.0)
def test_only_long_silence_and_several_questions_make_it_hang(
    answers: list[tuple[float, bool]], hung_s: float
) -> None:
    pulse, now, heard, misses = serving(hung_s), 100.0, 100.0, 0
    for pause, answered in answers:
        now += max(pause, EVERY_S)
        assert pulse.due(now)
        if answered:
            pulse.heard(now)
            heard, misses = now, 0
            continue
        misses += 1
        assert pulse.missed(now) == (misses >= LEAST_MISSES and now - heard >= hung_s)
