"""The stop: one function with four outputs, all or none."""

from workers.media.core import floor
from workers.media.core.moves.hearsay import report_marks, report_stopped
from workers.media.core.outputs import CancelReply, ClearLine, Feed, NewGeneration, Truncate
from workers.media.core.parts import Parts
from workers.media.core.policy import milliseconds


def anything_to_stop(p: Parts) -> bool:
    """Is a reply being made, or is there audio the caller has not heard yet?"""
    unheard = p.playback.heard_total(p.now) < p.playback.queued_total()
    return p.replies.active is not None or unheard


def stop(p: Parts) -> None:
    """Ends the generation, clears the line, cancels the active reply, truncates to what was heard.

    Then tells what was heard of it. The floor is left to the caller of this function, except
    that nothing is paused any more.
    """
    cuts = _cuts(p)
    facts = report_stopped(p)
    p.emit(NewGeneration(p.playback.renew()), ClearLine())
    cancel(p)
    if p.model_ready():
        p.emit(*cuts)
    if isinstance(p.floor, floor.AgentPaused):
        p.emit(Feed(True))
        p.floor = floor.agent_resumes(p.floor)
    for fact in facts:
        p.report(fact)
    report_marks(p, final=bool(facts))
    p.barge_in.drop()


def _cuts(p: Parts) -> list[Truncate]:
    return [
        Truncate(item, milliseconds(p.playback.heard(item, p.now)))
        for item in p.playback.items()
        if p.playback.heard(item, p.now) < p.playback.queued(item)
    ]


def cancel(p: Parts) -> None:
    """Cancels the active reply, if there is one, and takes no more audio of it."""
    sentence = p.replies.sentence
    response = p.replies.cancel(p.now)
    if response is None:
        return
    p.playback.shut(response)
    if p.model_ready() or sentence:
        p.emit(CancelReply(response))
