"""What the agent says of its own accord, and when: fixed sentences, fillers, owed replies."""

from workers.media.core import floor
from workers.media.core.agenda import Sentence, When
from workers.media.core.outputs import CreateReply, Say
from workers.media.core.parts import Parts


def say(p: Parts, sentence: Sentence) -> None:
    """Has a sentence said. Only while no reply is active."""
    key = p.agenda.saying(sentence)
    p.replies.say(key)
    p.playback.open(key)
    p.speech.begin(key, p.turns.answering, sentence.text)
    p.emit(Say(key, sentence.text))
    p.floor = floor.agent_owes(p.floor, p.turns.answering)


def talk(p: Parts) -> None:
    """Says the next sentence, or asks for the owed reply, if this is the moment for it."""
    if not _may_talk(p):
        return
    sentence = p.agenda.take(_is_gap(p))
    if sentence is not None:
        say(p, sentence)
    elif p.agenda.reply_owed and not p.tools.waiting():
        p.agenda.reply_owed = False
        p.replies.ask()
        p.emit(CreateReply())
        p.floor = floor.agent_owes(p.floor, p.turns.answering)


def _may_talk(p: Parts) -> bool:
    if p.started is None or not p.model_ready() or not p.replies.free(p.now):
        return False
    if p.caller.model_since is not None:
        return False
    return isinstance(p.floor, floor.Listening | floor.Thinking | floor.AgentTalking)


def _is_gap(p: Parts) -> bool:
    if not isinstance(p.floor, floor.Listening):
        return False
    return not p.caller.speaking() or p.agenda.impatient(p.now)


def fill_silence(p: Parts) -> None:
    """While a tool works and nobody speaks, a filler is due now and then."""
    if not p.tools.waiting():
        p.fillers.rest()
        return
    idle = isinstance(p.floor, floor.Listening | floor.Thinking) and p.replies.free(p.now)
    if idle and not p.caller.speaking():
        p.fillers.quiet(p.now)
    else:
        p.fillers.busy()
    line = p.fillers.due(p.now)
    if line:
        p.agenda.add("filler", line, When.PROMPT, p.now)


def rest(p: Parts) -> None:
    """The floor, once the agent was heard to the end: it owes something more, or nothing."""
    if p.agent_holds_floor():
        return
    p.floor = floor.agent_rests(p.floor, p.turns.answering, owes(p))


def owes(p: Parts) -> bool:
    """Is the agent about to say something?"""
    replying = p.replies.active is not None or p.replies.awaited()
    return replying or p.agenda.reply_owed or bool(p.tools.waiting())
