"""One call: the way into the core. Owns the parts and routes what happens to them.

The shell calls `handle` with what happened and `wake` when `deadline()` has come; both return
what is to be done, at once and in order. Besides, the audio path may use `playback.accepts`,
`playback.sent`, `playback.mark` and `playback.generation`, which return nothing to do.
"""

from callfunnel.domain.call import Cause, EndedBy
from workers.media.core.inputs import Input, LineClosed
from workers.media.core.outputs import CloseLine, CloseModel, End, Output
from workers.media.core.playback import Playback
from workers.media.core.policy import Policy


class Call:
    """The decisions of one call. `now`: the moment the model's session began to be opened."""

    def __init__(self, policy: Policy, now: float) -> None:
        self.policy = policy
        self.playback = Playback(policy.window_ms, policy.mark_grace_ms)
        self.closed = False
        self._now = now

    def handle(self, happened: Input, now: float) -> list[Output]:
        """What follows from this input. Raises nothing, whatever the input and its order."""
        self._now = now
        if self.closed or not isinstance(happened, LineClosed):
            return []
        self.closed = True
        cause = Cause.CALLER_HANGUP if happened.clean else Cause.MEDIA_LOST
        by = EndedBy.CALLER if happened.clean else EndedBy.PLATFORM
        return [CloseModel(), End(cause, by, 0, False), CloseLine()]

    def wake(self, now: float) -> list[Output]:
        """What follows from the time alone; harmless when nothing is due."""
        self._now = now
        return []

    def deadline(self) -> float | None:
        """When `wake` must be called next, or None. Ask again after every `handle` and `wake`."""
        return None
