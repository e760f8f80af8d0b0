"""One call: the way into the core. Owns the parts and routes what happens to them.

The shell calls `handle` with what happened and `wake` when `deadline()` has come; both return
what is to be done, at once and in order. Besides, the audio path may use `playback.accepts`,
`playback.sent`, `playback.mark` and `playback.generation`, which ask for nothing to be done.
What follows from what is in `moves`; the thresholds and sentences are the policy's.
"""

from typing import assert_never

from workers.media.core import floor, inputs
from workers.media.core.moves import (
    closing,
    deciding,
    hearing,
    opening,
    replying,
    settling,
    tooling,
)
from workers.media.core.outputs import Output
from workers.media.core.parts import Parts
from workers.media.core.policy import Policy

EARLY_S = 0.001
"""Timers may fire this much early; what is due then is due."""


class Call:
    """The decisions of one call. `now`: the moment the model's session began to be opened."""

    def __init__(self, policy: Policy, now: float) -> None:
        self._parts = Parts(policy, now)
        self._parts.watch.connecting(now)
        self.playback = self._parts.playback

    @property
    def floor(self) -> floor.Floor:
        """Who holds the floor."""
        return self._parts.floor

    @property
    def closed(self) -> bool:
        """Is the call over? Then nothing follows from anything any more."""
        return isinstance(self._parts.floor, floor.Closed)

    def handle(self, happened: inputs.Input, now: float) -> list[Output]:
        """What follows from this input. Raises nothing, whatever the input and its order."""
        if self.closed:
            return []
        self._parts.now = max(now, self._parts.now)
        route(self._parts, happened)
        settling.settle(self._parts)
        return self._parts.take()

    def wake(self, now: float) -> list[Output]:
        """What follows from the time alone; harmless when nothing is due."""
        if self.closed:
            return []
        due = self.deadline()
        if due is not None and now < due <= now + EARLY_S:
            now = due
        self._parts.now = max(now, self._parts.now)
        settling.settle(self._parts)
        return self._parts.take()

    def deadline(self) -> float | None:
        """When `wake` must be called next, or None. Ask again after every `handle` and `wake`."""
        return None if self.closed else settling.deadline(self._parts)


def route(p: Parts, happened: inputs.Input) -> None:  # noqa: C901 - one line per input
    """Takes one input to the move it belongs to."""
    match happened:
        case inputs.Started():
            opening.started(p)
        case inputs.ModelReady():
            opening.model_ready(p, happened)
        case inputs.ModelFailed(reason):
            closing.model_lost(p, reason)
        case inputs.EdgeSpeechStarted():
            hearing.edge_started(p, happened)
        case inputs.EdgeSpeechEnded():
            hearing.edge_ended(p, happened)
        case inputs.ModelSpeechStarted():
            hearing.model_started(p, happened)
        case inputs.ModelSpeechEnded():
            hearing.model_ended(p, happened)
        case inputs.CallerTranscript():
            hearing.transcript(p, happened)
        case inputs.ReplyStarted():
            replying.reply_started(p, happened)
        case inputs.ReplyItem():
            replying.reply_item(p, happened)
        case inputs.AudioQueued():
            replying.audio_queued(p, happened)
        case inputs.ReplyText():
            replying.reply_text(p, happened)
        case inputs.ReplyDone():
            replying.reply_done(p, happened)
        case inputs.ToolRequested():
            tooling.requested(p, happened)
        case inputs.ToolAnswered():
            tooling.answered(p, happened)
        case inputs.ApprovalClosed():
            deciding.approval_closed(p, happened)
        case inputs.MarkPlayed():
            replying.mark_played(p, happened)
        case inputs.PlayoutStarted():
            replying.playout_started(p)
        case inputs.QueueDry():
            replying.queue_dry(p)
        case inputs.KeyPressed():
            hearing.key_pressed(p, happened)
        case inputs.HangUpAsked():
            closing.hang_up(p, happened)
        case inputs.LineClosed():
            closing.line_closed(p, happened)
        case inputs.Drain():
            closing.drain(p)
        case inputs.BadFrame():
            closing.bad_frame(p, happened)
        case _:
            assert_never(happened)
