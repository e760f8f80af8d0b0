"""Facts about what was said and heard: `AgentSpoke` when an utterance is over, marks per turn."""

from callfunnel.events.call import AgentSpoke
from workers.media.core.parts import Parts
from workers.media.core.policy import milliseconds
from workers.media.core.speech import Utterance, covers, heard_text


def report_finished(p: Parts) -> None:
    """Tells every utterance that was heard to its end."""
    p.playback.settle(p.now)
    heard = p.playback.heard_total(p.now)
    while p.speech.utterances:
        first = p.speech.utterances[0]
        if not first.complete or p.playback.end_of(first.items) > heard:
            return
        p.report(spoken(p, first))
        p.agenda.said(first.response)
        p.speech.utterances.remove(first)


def report_stopped(p: Parts) -> list[AgentSpoke]:
    """What was heard of everything that is being stopped; sentences nobody heard are kept."""
    facts = []
    for utterance in p.speech.utterances:
        fact = spoken(p, utterance)
        if fact is None:
            p.agenda.unheard(utterance.response)
        else:
            p.agenda.said(utterance.response)
            facts.append(fact)
    p.speech.clear()
    return facts


def spoken(p: Parts, utterance: Utterance) -> AgentSpoke | None:
    """An utterance as it was heard until now; None if nothing of it was."""
    heard = sum(p.playback.heard(item, p.now) for item in utterance.items)
    queued = sum(p.playback.queued(item) for item in utterance.items)
    if heard <= 0:
        return None
    texts = (
        heard_text(p.speech.known(item), p.playback.heard(item, p.now), p.playback.queued(item))
        for item in utterance.items
    )
    return AgentSpoke(
        turn=utterance.turn,
        text=" ".join(text for text in texts if text),
        start_ms=utterance.start_ms,
        heard_ms=milliseconds(heard),
        generated_ms=milliseconds(queued),
        interrupted=heard < queued or not utterance.complete,
    )


def in_protected_passage(p: Parts) -> bool:
    """Is the caller hearing a sentence that the rule book does not let be interrupted?"""
    protected = p.policy.rulebook.uninterruptible
    if not protected or not p.speech.utterances:
        return False
    playing = p.speech.utterances[0]
    heard = sum(p.playback.heard(item, p.now) for item in playing.items)
    queued = sum(p.playback.queued(item) for item in playing.items)
    text = " ".join(p.speech.known(item).text for item in playing.items)
    return covers(text, protected, heard, queued)


def report_marks(p: Parts, final: bool) -> None:
    """Tells the latency marks of the present answer once they are there, or at last (`final`)."""
    p.report(p.turns.measured(final))
