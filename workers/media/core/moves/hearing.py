"""The caller's side: voice at the edge, the model's word about turns, texts and keys."""

from callfunnel.events.call import CallerSpoke, KeyPressed
from workers.media.core import floor, inputs
from workers.media.core.moves.hearsay import in_protected_passage, report_marks
from workers.media.core.moves.interrupting import take_floor, weigh_words
from workers.media.core.parts import Parts


def edge_started(p: Parts, happened: inputs.EdgeSpeechStarted) -> None:
    """A suspicion while the agent talks; a turn, where the edge owns turn-taking."""
    began = p.caller.edge_started(p.now, happened.level_db, happened.lasted_ms)
    match p.floor:
        case floor.AgentTalking(_, _, since) | floor.AgentPaused(_, _, since, _):
            p.barge_in.voice(began, happened.level_db, since)
        case _ if not p.policy.owns_turns and not p.over():
            p.watch.caller_active()
            take_floor(p, began)
    p.endpointing.voice()


def edge_ended(p: Parts, happened: inputs.EdgeSpeechEnded) -> None:
    """The end of a voice is the end of a suspicion, or the beginning of the end of a turn."""
    at = p.caller.edge_ended(p.now, happened.silent_ms)
    p.barge_in.silence(at)
    if isinstance(p.floor, floor.CallerTalking):
        p.endpointing.silence(at)


def model_started(p: Parts, happened: inputs.ModelSpeechStarted) -> None:
    """The model's own word: a verdict, and the beginning of a turn."""
    since = p.caller.model_started(p.now)
    p.watch.caller_active()
    p.turns.open(happened.item, p.position(since))
    if not p.over() and not (p.agent_holds_floor() and in_protected_passage(p)):
        take_floor(p, since)


def model_ended(p: Parts, happened: inputs.ModelSpeechEnded) -> None:
    """The model took the turn as over, and will reply to it by itself if it owns turn-taking."""
    end = p.caller.model_ended(p.now)
    if p.over() or not p.policy.owns_turns:
        return
    commit(p, happened.item, end)
    p.replies.expect(p.now)
    p.agenda.reply_owed = False


def commit(p: Parts, item: str, end: float) -> None:
    """The caller's turn is over: from here on the agent owes an answer."""
    report_marks(p, final=True)
    turn = p.turns.commit(item, p.position(end), p.position())
    p.barge_in.new_turn()
    p.watch.caller_active()
    p.floor = floor.agent_owes(p.floor, turn.number)


def end_turn(p: Parts) -> None:
    """Where the edge owns turn-taking: a reply is owed once the silence lasted long enough."""
    if p.policy.owns_turns or not p.endpointing.over(p.now):
        return
    if isinstance(p.floor, floor.CallerTalking):
        commit(p, "", p.caller.last_voiced or p.now)
        p.agenda.reply_owed = not p.replies.asked


def give_floor_back(p: Parts) -> None:
    """The model never said that the turn was over, or that there was one: it is asked to go on."""
    at = silence_at(p)
    if at is not None and p.now >= at:
        p.caller.model_since = None
        p.floor = floor.caller_yields(p.floor)
        p.agenda.reply_owed = True


def silence_at(p: Parts) -> float | None:
    """When the floor of a silent caller is given back, where the model owns turn-taking."""
    if not p.policy.owns_turns or not isinstance(p.floor, floor.CallerTalking):
        return None
    return p.caller.silent_from(p.floor.since)


def transcript(p: Parts, happened: inputs.CallerTranscript) -> None:
    """The text of a turn; while a suspicion lasts, its words are a verdict too."""
    verdict = not p.turns.owes_text()
    if not p.turns.knows(happened.item):
        report_marks(p, final=True)
        p.turns.commit(happened.item, p.position(), p.position())
    turn = p.turns.claim(happened.item)
    text = happened.text.strip()
    if turn is None or not text:
        return
    p.watch.caller_active()
    p.endpointing.words(text)
    p.report(
        CallerSpoke(
            turn=turn.number,
            text=text,
            start_ms=turn.start_ms,
            end_ms=max(turn.end_ms, turn.start_ms),
            confidence=happened.confidence,
        )
    )
    if verdict:
        weigh_words(p, text)


def key_pressed(p: Parts, happened: inputs.KeyPressed) -> None:
    """A key is a sign of life and a fact."""
    p.watch.caller_active()
    p.report(KeyPressed(digit=happened.digit, at_ms=p.position()))
