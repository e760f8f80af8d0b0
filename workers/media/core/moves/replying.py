"""The model's side: replies, their audio and texts, and how the carrier plays them."""

from workers.media.core import floor, inputs
from workers.media.core.moves.closing import model_lost
from workers.media.core.moves.hearsay import report_marks
from workers.media.core.moves.stopping import cancel
from workers.media.core.outputs import CancelReply
from workers.media.core.parts import Parts
from workers.media.core.policy import milliseconds
from workers.media.core.speech import ItemText, Utterance

FAILURES = 2
"""Replies that fail one after the other until the model is taken as lost."""


def reply_started(p: Parts, happened: inputs.ReplyStarted) -> None:
    """A reply goes on, unless another is active, the caller speaks, or the call is closing."""
    response = happened.response
    if p.replies.active == response or not p.model_ready():
        return
    uninvited = not p.replies.awaited()
    if not p.replies.start(response):
        if p.replies.active is not None:
            p.emit(CancelReply(response))
            p.agenda.reply_owed = not p.over()
        return
    if _unwelcome(p, uninvited):
        cancel(p)
        return
    p.agenda.reply_owed = p.agenda.reply_owed and not uninvited
    p.watch.progress(p.now)
    p.playback.open(response)
    p.speech.begin(response, p.turns.answering)


def _unwelcome(p: Parts, uninvited: bool) -> bool:
    if p.over():
        return uninvited
    edge_talk = not p.policy.owns_turns and isinstance(p.floor, floor.CallerTalking)
    return p.caller.model_since is not None or edge_talk


def reply_item(p: Parts, happened: inputs.ReplyItem) -> None:
    """A sign of life of the model."""
    if happened.response == p.replies.active:
        p.watch.progress(p.now)


def audio_queued(p: Parts, happened: inputs.AudioQueued) -> None:
    """The agent speaks, from the first audio on."""
    utterance = p.speech.find(happened.response)
    ahead = milliseconds(p.playback.backlog())
    if utterance is None or not p.playback.queue(
        happened.response, happened.item, happened.samples, p.now
    ):
        return
    p.watch.progress(p.now)
    _note_item(p, utterance, happened.item, ahead)
    if not utterance.sentence:
        p.turns.model_spoke(p.position())
    if not p.agent_holds_floor():
        p.barge_in.new_turn()
        if p.caller.edge_since is not None:
            p.barge_in.voice(p.now, p.caller.level_db, p.now)
    p.floor = floor.agent_speaks(p.floor, utterance.turn, p.playback.generation, p.now)


def _note_item(p: Parts, utterance: Utterance, item: str, ahead_ms: int) -> None:
    if not utterance.items:
        utterance.start_ms = p.position() + ahead_ms
    if item not in utterance.items:
        utterance.items += (item,)


def reply_text(p: Parts, happened: inputs.ReplyText) -> None:
    """All text known of an item."""
    p.watch.progress(p.now)
    p.speech.text(happened.item, ItemText(happened.text, happened.word_ends))


def reply_done(p: Parts, happened: inputs.ReplyDone) -> None:
    """The reply is complete. One failed reply is asked for again, two are a lost model."""
    sentence = p.replies.sentence
    was_active = p.replies.done(happened.response, happened.status)
    p.playback.shut(happened.response)
    p.speech.complete(happened.response)
    if not was_active:
        return
    p.watch.progress(p.now)
    if happened.status == "failed" and not sentence:
        if p.replies.failures >= FAILURES:
            model_lost(p, "replies failed")
        else:
            p.agenda.reply_owed = not p.over()


def mark_played(p: Parts, happened: inputs.MarkPlayed) -> None:
    """The carrier confirms what was heard."""
    if p.playback.confirm(happened.name):
        p.turns.played(p.position())
        report_marks(p, final=False)


def playout_started(p: Parts) -> None:
    """The first frame of an answer is on its way to the caller."""
    p.playback.flow(p.now)
    p.turns.sent(p.position())


def queue_dry(p: Parts) -> None:
    """The carrier has all there is."""
    p.playback.dry(p.now)
