"""Replies, fillers, sentences, watchdogs, ending: one rule each."""

import pytest

from callfunnel.domain.call import Cause, EndedBy
from callfunnel.domain.rulebook import Fillers as FillerRules
from callfunnel.domain.rulebook import Limits, Silence
from workers.media.core.ending import MAX_NOTE, Ending
from workers.media.core.fillers import Fillers
from workers.media.core.replies import FADE_S, Replies
from workers.media.core.sentences import fill
from workers.media.core.watchdogs import Alarm, Watchdogs


def test_a_cancelled_reply_fades_before_the_next_is_asked_for() -> None:
    replies = Replies()
    replies.start("r1")
    assert replies.cancel(5.0) == "r1"
    assert replies.cancel(5.0) is None
    assert not replies.free(5.0 + FADE_S / 2)
    assert replies.free(5.0 + FADE_S)
    replies.done("r1", "cancelled")
    assert replies.free(5.0)


def test_a_second_reply_does_not_begin_beside_the_first() -> None:
    replies = Replies()
    assert replies.start("r1")
    assert not replies.start("r2")
    assert replies.active == "r1"


def test_failures_are_counted_until_one_succeeds() -> None:
    replies = Replies()
    for name, status in (("a", "failed"), ("b", "completed"), ("c", "failed"), ("d", "failed")):
        replies.start(name)
        replies.done(name, status)
    assert replies.failures == 2


def test_each_filler_is_used_once_until_the_tools_rest() -> None:
    fillers = Fillers(FillerRules(after_ms=900, lines=("One.", "Two.")))
    fillers.quiet(0.0)
    assert fillers.due(0.8) == ""
    assert fillers.due(0.9) == "One."
    fillers.quiet(2.0)
    assert fillers.due(6.0) == "Two."
    fillers.quiet(7.0)
    assert fillers.deadline() is None
    fillers.rest()
    fillers.quiet(20.0)
    assert fillers.due(21.0) == "One."


@pytest.mark.parametrize(
    ("value", "said"),
    [(25, "25"), (25.0, "25"), (2.5, "2.5"), ("ten", "ten"), (True, "yes"), (None, ""), ({}, "")],
)
def test_values_are_spoken_as_one_would_say_them(value: object, said: str) -> None:
    assert fill("It is {percent} percent.", {"percent": value}) == f"It is {said} percent."


def test_a_sentence_is_filled_once_and_not_from_its_own_values() -> None:
    assert fill("{a} {b}", {"a": "{b}", "b": "x"}) == "{b} x"


def test_each_alarm_is_raised_once_the_gravest_first() -> None:
    watch = Watchdogs(Limits(max_duration_ms=1000, model_stall_ms=500), Silence(after_ms=100))
    watch.start(0.0)
    watch.waiting(True, 0.0)
    watch.quiet(True, 0.0)
    assert watch.due(2.0) == [Alarm.DURATION, Alarm.STALL, Alarm.SILENCE]
    assert watch.due(2.0) == []


def test_progress_puts_the_stall_off() -> None:
    watch = Watchdogs(Limits(model_stall_ms=500), Silence())
    watch.waiting(True, 0.0)
    watch.progress(0.4)
    assert watch.due(0.8) == []
    assert watch.due(0.9) == [Alarm.STALL]


def test_prompts_run_out_and_begin_anew_with_the_caller() -> None:
    watch = Watchdogs(Limits(), Silence(prompts=("Hello?",)))
    assert [watch.prompt(), watch.prompt()] == ["Hello?", ""]
    watch.caller_active()
    assert watch.prompt() == "Hello?"


def test_the_first_cause_decides_and_notes_stay_short() -> None:
    ending = Ending()
    assert ending.decide(Cause.SILENCE, EndedBy.PLATFORM)
    for _ in range(100):
        assert not ending.decide(Cause.CALLER_HANGUP, EndedBy.CALLER, "x" * 50)
    assert ending.cause is Cause.SILENCE
    assert len(ending.note) <= MAX_NOTE


def test_a_transfer_nobody_was_left_for_was_none() -> None:
    ending = Ending()
    ending.decide(Cause.TRANSFERRED, EndedBy.AGENT)
    ending.number = "+15550100900"
    ending.missed_transfer(Cause.CALLER_HANGUP, EndedBy.CALLER)
    assert (ending.cause, ending.number) == (Cause.CALLER_HANGUP, "")
