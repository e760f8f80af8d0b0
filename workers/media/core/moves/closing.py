"""The way out: the first cause wins, last words are heard while the line lives, then all is shut.

Order: nothing more is fed, farewell, the model's session, `End`, the line.
"""

from callfunnel.domain.call import Cause, EndedBy
from callfunnel.events.call import ModelLost, ToolReturned, TransferStarted
from workers.media.core import floor, inputs, session
from workers.media.core.agenda import Sentence, When
from workers.media.core.moves.hearsay import report_finished, report_marks, report_stopped
from workers.media.core.moves.interrupting import resume
from workers.media.core.moves.stopping import anything_to_stop, cancel, stop
from workers.media.core.moves.talking import say
from workers.media.core.outputs import (
    ClearLine,
    CloseLine,
    CloseModel,
    Dial,
    End,
    Feed,
    Forward,
    NewGeneration,
)
from workers.media.core.parts import Parts
from workers.media.core.policy import seconds


def close(
    p: Parts,
    cause: Cause,
    by: EndedBy,
    *,
    words: str = "",
    note: str = "",
    gently: bool = False,
    number: str = "",
) -> None:
    """Decides the end. `gently`: what the agent is saying is heard first; then `words`, if any."""
    if not p.ending.decide(cause, by, note):
        return
    p.ending.words, p.ending.number = words, number
    p.ending.until = p.now + seconds(p.policy.last_words_ms)
    resume(p)
    p.floor = floor.closes(p.floor, cause)
    p.agenda.clear()
    p.fillers.rest()
    p.barge_in.drop()
    _deafen(p)
    if not gently:
        p.replies.give_up(p.now)
        if anything_to_stop(p):
            stop(p)


def _deafen(p: Parts) -> None:
    if p.forwarding:
        p.forwarding = False
        p.emit(Forward(False))


def proceed(p: Parts) -> None:
    """Goes on with an end that was decided: waits, says the last words, or finishes."""
    if p.line_up and p.now < p.ending.until and _unsaid(p):
        if p.started is not None and p.ending.words and p.replies.free(p.now):
            words, p.ending.words = p.ending.words, ""
            say(p, Sentence("farewell", words, When.PROMPT, "", p.now))
        return
    finish(p)


def _unsaid(p: Parts) -> bool:
    saying = p.replies.active is not None or p.replies.awaited()
    return saying or bool(p.ending.words) or not p.playback.finished(p.now)


def finish(p: Parts) -> None:
    """Shuts everything, once, in order."""
    cause = p.ending.cause or Cause.MEDIA_LOST
    _silence(p)
    for call in p.tools.abandon():
        p.report(_fenced(call.id, call.name))
    report_marks(p, final=True)
    _deafen(p)
    if p.ending.number:
        p.report(TransferStarted(to=p.ending.number, kind="blind"))
        p.emit(Dial(p.ending.number))
    _close_model(p)
    p.emit(End(cause, p.ending.by, p.position(), p.started is not None, p.ending.note), CloseLine())
    p.floor = floor.Closed(cause)


def _silence(p: Parts) -> None:
    report_finished(p)
    unheard = anything_to_stop(p)
    facts = report_stopped(p)
    p.emit(Feed(False))
    if unheard:
        p.emit(NewGeneration(p.playback.renew()), ClearLine())
    cancel(p)
    for fact in facts:
        p.report(fact)


def _fenced(tool_call: str, tool: str) -> ToolReturned:
    return ToolReturned(tool_call=tool_call, tool=tool, outcome="fenced", result={}, duration_ms=0)


def _close_model(p: Parts) -> None:
    if not isinstance(p.session, session.Lost):
        p.session = session.lost(p.session, "closed")
        p.emit(CloseModel())


def line_closed(p: Parts, happened: inputs.LineClosed) -> None:
    """The caller hung up, or the line broke: there is nobody left to speak to."""
    cause = Cause.CALLER_HANGUP if happened.clean else Cause.MEDIA_LOST
    line_gone(p, cause, EndedBy.CALLER if happened.clean else EndedBy.PLATFORM)


def line_gone(p: Parts, cause: Cause, by: EndedBy, note: str = "") -> None:
    """The line carries nothing any more."""
    p.line_up = False
    p.ending.missed_transfer(cause, by)
    p.ending.decide(cause, by, note)
    p.floor = floor.closes(p.floor, p.ending.cause or cause)


def model_lost(p: Parts, reason: str) -> None:
    """The model is gone for good: the caller hears the apology, in the local voice."""
    if isinstance(p.session, session.Lost):
        return
    p.session = session.lost(p.session, reason)
    provider = p.session.provider if isinstance(p.session, session.Lost) else ""
    p.report(ModelLost(provider=provider, reason=reason))
    p.emit(CloseModel())
    p.watch.connected()
    half_said = p.replies.active is not None
    if half_said and anything_to_stop(p):
        stop(p)
    p.replies.forget()
    apology = p.policy.rulebook.apology
    close(p, Cause.MODEL_FAILED, EndedBy.PLATFORM, words=apology, note=reason, gently=not half_said)


def bad_frame(p: Parts, happened: inputs.BadFrame) -> None:
    """A peer that cannot be understood is gone."""
    if happened.peer == "model":
        model_lost(p, happened.reason)
    else:
        line_gone(p, Cause.MEDIA_LOST, EndedBy.PLATFORM, happened.reason)


def hang_up(p: Parts, happened: inputs.HangUpAsked) -> None:
    """The agent ends once it was heard; an operator at once."""
    if happened.by == "agent":
        close(p, Cause.AGENT_HANGUP, EndedBy.AGENT, gently=True)
    else:
        close(p, Cause.OPERATOR_HANGUP, EndedBy.OPERATOR)


def drain(p: Parts) -> None:
    """The worker cannot wait any longer."""
    close(p, Cause.DRAINED, EndedBy.PLATFORM, words=p.policy.rulebook.apology)
