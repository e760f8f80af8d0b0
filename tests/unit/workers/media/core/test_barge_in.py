"""Suspicion and verdict."""

import pytest

from callfunnel.domain.rulebook import BargeIn as Rules
from workers.media.core.barge_in import BargeIn, Judgement, is_backchannel


def listening(*, edge_decides: bool = True, **rules: int) -> BargeIn:
    """An agent that began to talk at time 0."""
    return BargeIn(Rules(**rules), edge_decides=edge_decides)


def judge_at_deadline(barge_in: BargeIn) -> tuple[float, Judgement]:
    due = barge_in.deadline()
    assert due is not None
    return round(due, 3), barge_in.judge(due)


def test_a_voice_of_the_onset_is_a_suspicion() -> None:
    barge_in = listening()
    barge_in.voice(1.0, 20.0, 0.0)
    assert barge_in.judge(1.07) is Judgement.NONE
    assert judge_at_deadline(barge_in) == (1.08, Judgement.SUSPECT)


def test_early_in_the_agents_speech_the_onset_is_longer() -> None:
    barge_in = listening()
    barge_in.voice(0.4, 20.0, 0.0)
    assert judge_at_deadline(barge_in) == (0.56, Judgement.SUSPECT)


def test_an_echo_is_no_voice() -> None:
    barge_in = listening()
    barge_in.voice(1.0, 5.9, 0.0)
    assert barge_in.deadline() is None


def test_a_voice_that_goes_on_stops_the_agent_where_the_edge_decides() -> None:
    barge_in = listening()
    barge_in.voice(1.0, 20.0, 0.0)
    barge_in.judge(1.08)
    assert judge_at_deadline(barge_in) == (1.35, Judgement.STOP)


def test_where_the_model_decides_the_edge_waits_for_its_word() -> None:
    barge_in = listening(edge_decides=False)
    barge_in.voice(1.0, 20.0, 0.0)
    barge_in.judge(1.08)
    assert judge_at_deadline(barge_in) == (1.68, Judgement.STOP)


def test_silence_takes_the_suspicion_back() -> None:
    barge_in = listening()
    barge_in.voice(1.0, 20.0, 0.0)
    barge_in.judge(1.08)
    barge_in.silence(1.2)
    assert judge_at_deadline(barge_in) == (1.45, Judgement.RESUME)


def test_two_syllables_count_together() -> None:
    barge_in = listening()
    barge_in.voice(1.0, 20.0, 0.0)
    barge_in.judge(1.08)
    barge_in.silence(1.2)
    barge_in.voice(1.3, 20.0, 0.0)
    assert judge_at_deadline(barge_in) == (1.45, Judgement.STOP)


def test_a_voice_shorter_than_the_onset_is_forgotten() -> None:
    barge_in = listening()
    barge_in.voice(1.0, 20.0, 0.0)
    barge_in.silence(1.05)
    assert barge_in.deadline() is None
    assert barge_in.judge(9.0) is Judgement.NONE


def test_only_so_many_suspicions_may_pause_a_turn() -> None:
    barge_in = listening(max_suspicions=1)
    for at, allowed in ((1.0, True), (3.0, False)):
        barge_in.voice(at, 20.0, 0.0)
        assert barge_in.judge(at + 0.1) is Judgement.SUSPECT
        assert barge_in.may_pause() is allowed
        barge_in.drop()
    barge_in.new_turn()
    barge_in.voice(9.0, 20.0, 0.0)
    barge_in.judge(9.1)
    assert barge_in.may_pause()


@pytest.mark.parametrize("text", ["", "Uh-huh.", "Okay, yeah", "Mm", "I see."])
def test_words_that_say_go_on(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize("text", ["No", "Wait", "okay but", "yes I want to cancel"])
def test_words_that_want_the_floor(text: str) -> None:
    assert not is_backchannel(text)
