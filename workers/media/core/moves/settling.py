"""What follows once an input was taken in: everything that depends on the state as a whole.

Runs after every input and every wake, in one fixed order, so that whatever combination of things
has come true at `now` is acted on at once.
"""

from callfunnel.domain.call import Cause, EndedBy
from workers.media.core import floor
from workers.media.core.agenda import When
from workers.media.core.moves.closing import close, model_lost, proceed
from workers.media.core.moves.hearing import end_turn, give_floor_back, silence_at
from workers.media.core.moves.hearsay import report_finished, report_marks
from workers.media.core.moves.interrupting import judge, resume
from workers.media.core.moves.opening import listen
from workers.media.core.moves.stopping import cancel
from workers.media.core.moves.talking import fill_silence, rest, talk
from workers.media.core.moves.tooling import expire, tell_model
from workers.media.core.parts import Parts
from workers.media.core.watchdogs import Alarm


def settle(p: Parts) -> None:
    """Acts on everything that is true now."""
    p.replies.tire(p.now)
    if p.replies.lapse(p.now):
        p.agenda.reply_owed = not p.over()
    expire(p)
    listen(p)
    for alarm in p.watch.due(p.now):
        _raise(p, alarm)
    judge(p)
    report_finished(p)
    _agent_finished(p)
    end_turn(p)
    give_floor_back(p)
    tell_model(p)
    rest(p)
    if p.over():
        proceed(p)
    else:
        fill_silence(p)
        talk(p)
    _watch(p)


def _agent_finished(p: Parts) -> None:
    if not p.agent_holds_floor() or p.replies.active is not None:
        return
    if p.playback.finished(p.now):
        resume(p)
        report_marks(p, final=not p.tools.waiting())
        p.floor = floor.agent_falls_silent(p.floor)


def _watch(p: Parts) -> None:
    live = not p.over()
    p.watch.waiting(p.replies.active is not None or p.replies.awaited(), p.now)
    listening = live and isinstance(p.floor, floor.Listening) and p.started is not None
    idle = listening and p.model_ready() and p.agenda.empty() and p.replies.free(p.now)
    p.watch.quiet(idle and not p.caller.speaking(), p.now)


def _raise(p: Parts, alarm: Alarm) -> None:
    book = p.policy.rulebook
    match alarm:
        case Alarm.DURATION:
            close(p, Cause.MAX_DURATION, EndedBy.PLATFORM, words=book.farewell)
        case Alarm.CONNECT:
            model_lost(p, "connect timed out")
        case Alarm.STALL:
            _stalled(p)
        case Alarm.SILENCE:
            _silent(p)


def _stalled(p: Parts) -> None:
    """The model is stuck; or, when it is lost already, the voice that was to say the last words."""
    if p.model_ready():
        model_lost(p, "stalled")
        return
    stuck = p.replies.active
    cancel(p)
    if stuck is not None:
        p.speech.complete(stuck)
        p.agenda.said(stuck)


def _silent(p: Parts) -> None:
    book = p.policy.rulebook
    if p.approvals.awaited(p.now):
        line = book.fillers.lines[0] if book.fillers.lines else ""
        kind = "hold"
    else:
        line, kind = p.watch.prompt(), "prompt"
    if line:
        p.agenda.add(kind, line, When.GAP, p.now)
    elif kind == "prompt":
        close(p, Cause.SILENCE, EndedBy.PLATFORM, words=book.silence.farewell)


def deadline(p: Parts) -> float | None:
    """When something will have come true by time alone."""
    times = [
        p.playback.deadline(),
        p.tools.deadline(),
        p.replies.deadline(),
        p.watch.deadline(),
        p.fillers.deadline(),
        p.agenda.deadline(p.now),
        silence_at(p),
        p.barge_in.deadline() if p.agent_holds_floor() else None,
        None if p.policy.owns_turns else p.endpointing.deadline(),
        p.ending.until if p.over() else None,
    ]
    return min((at for at in times if at is not None), default=None)
