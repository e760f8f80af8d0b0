"""The parts of one call, and the outputs gathered while something is handled.

The parts know nothing of each other; the modules in `moves` join them.
"""

from callfunnel.events.message import Message
from workers.media.core import floor, session
from workers.media.core.agenda import Agenda
from workers.media.core.approvals import Approvals
from workers.media.core.barge_in import BargeIn
from workers.media.core.caller import Caller
from workers.media.core.ending import Ending
from workers.media.core.endpointing import Endpointing
from workers.media.core.fillers import Fillers
from workers.media.core.outputs import Output, Report
from workers.media.core.playback import Playback
from workers.media.core.policy import Policy
from workers.media.core.replies import Replies
from workers.media.core.speech import Speech
from workers.media.core.tools import Tools
from workers.media.core.turns import Turns
from workers.media.core.watchdogs import Watchdogs


class Parts:
    """State of one call. `now` is the time of what is being handled."""

    def __init__(self, policy: Policy, now: float) -> None:
        book = policy.rulebook
        self.policy = policy
        self.now = self.began = now
        self.started: float | None = None
        self.line_up = True
        self.forwarding = False
        self.floor: floor.Floor = floor.Listening()
        self.session: session.Session = session.Opening(now)
        self.playback = Playback(policy.window_ms, policy.mark_grace_ms)
        self.replies = Replies()
        self.speech = Speech()
        self.turns = Turns()
        self.caller = Caller()
        self.barge_in = BargeIn(book.barge_in, edge_decides=not policy.owns_turns)
        self.endpointing = Endpointing(book.endpointing)
        self.tools = Tools()
        self.approvals = Approvals()
        self.fillers = Fillers(book.fillers)
        self.agenda = Agenda()
        self.watch = Watchdogs(book.limits, book.silence)
        self.ending = Ending()
        self._out: list[Output] = []

    def emit(self, *outputs: Output) -> None:
        """Wants these done, after what was wanted before."""
        self._out.extend(outputs)

    def report(self, fact: Message | None) -> None:
        """Tells a fact of the call, if there is one."""
        if fact is not None:
            self._out.append(Report(fact))

    def take(self) -> list[Output]:
        """What was wanted since the last time."""
        out, self._out = self._out, []
        return out

    def position(self, at: float | None = None) -> int:
        """A time (now) as milliseconds of the call."""
        if self.started is None:
            return 0
        return max(round(((self.now if at is None else at) - self.started) * 1000), 0)

    def model_ready(self) -> bool:
        """Can the model be told anything?"""
        return isinstance(self.session, session.Ready)

    def agent_holds_floor(self) -> bool:
        """Does the agent speak, or wait for the verdict on a suspicion?"""
        return isinstance(self.floor, floor.AgentTalking | floor.AgentPaused)

    def over(self) -> bool:
        """Was the end decided?"""
        return floor.is_over(self.floor)
