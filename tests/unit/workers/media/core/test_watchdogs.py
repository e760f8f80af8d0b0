"""What may not last."""

from callfunnel.domain.rulebook import Limits, Silence
from workers.media.core.watchdogs import Alarm, Watchdogs


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
