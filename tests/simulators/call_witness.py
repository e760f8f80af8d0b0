"""A witness of one call: sees every input and output of a core, and knows what may never be.

It keeps its own books, of the model's replies, of the line and of the tools, so that a rule of
the core is not checked by the core. Every broken rule is an AssertionError that names it.
"""

from typing import Any

from callfunnel.events.call import (
    AgentInterrupted,
    AgentPaused,
    AgentResumed,
    AgentSpoke,
    ApprovalDecided,
    ApprovalExpired,
    CallerSpoke,
    ToolCalled,
    ToolReturned,
    TurnMeasured,
)
from callfunnel.events.message import Message
from workers.media.core import inputs, outputs
from workers.media.core.call import Call
from workers.media.core.floor import AgentPaused as PausedFloor
from workers.media.core.floor import Closed, Closing
from workers.media.core.policy import Policy
from workers.media.core.replies import FADE_S

CLOSING = (
    outputs.Feed,
    outputs.Forward,
    outputs.NewGeneration,
    outputs.ClearLine,
    outputs.CancelReply,
    outputs.Say,
    outputs.Report,
    outputs.Dial,
    outputs.CloseModel,
    outputs.End,
    outputs.CloseLine,
)
"""What may still be wanted once the end was decided."""


class Witness:
    """Drives a core and checks the rules after every step. Times are seconds."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.now = 0.0
        self.core = Call(policy, 0.0)
        self.done: list[outputs.Output] = []
        self.history: list[tuple[str, Any, float]] = []
        self.active: set[str] = set()
        self.asked = 0
        self.model_up = False
        self.queued = self.unsent = 0
        self.marks: list[str] = []
        self.feed = True
        self.generation = 0
        self.pauses = 0
        self.tools: dict[str, int] = {}
        self.answered: set[str] = set()
        self.requested: set[str] = set()
        self.once: set[tuple[str, Any]] = set()
        self.items: dict[str, int] = {}
        self.ending = False
        self.ending_since = 0.0

    # Doing something to the call.

    def tell(self, happened: inputs.Input) -> None:
        self._before(happened)
        self.history.append(("tell", happened, self.now))
        self._see(self.core.handle(happened, self.now))

    def wait(self, seconds: float) -> None:
        """Time goes by; the core is woken whenever it asks for it."""
        end = self.now + seconds
        for _ in range(200):
            due = self.core.deadline()
            if due is None or due > end:
                self.now = end
                return
            self.now = max(self.now, due)
            self.history.append(("wake", None, self.now))
            self._see(self.core.wake(self.now))
        raise AssertionError("the core asks to be woken for ever")

    def queue(self, response: str, item: str, samples: int) -> None:
        """The model's line hands over audio: dropped unless its reply counts."""
        if self.core.playback.accepts(response):
            self.queued += samples
            self.unsent += samples
            self.items[item] = self.items.get(item, 0) + samples
        self.tell(inputs.AudioQueued(response, item, samples))

    def play(self, samples: int) -> None:
        """The audio path sends, if it may."""
        count = min(samples, self.unsent) if self.feed else 0
        if count <= 0:
            return
        self.unsent -= count
        self.history.append(("sent", count, self.now))
        self.core.playback.sent(count)
        self.marks.append(self.core.playback.mark())
        self.tell(inputs.PlayoutStarted())
        if not self.unsent:
            self.tell(inputs.QueueDry())

    # The books.

    def _before(self, happened: inputs.Input) -> None:
        match happened:
            case inputs.ModelReady():
                self.model_up = ("close model", None) not in self.once
            case inputs.ReplyStarted(response) if self.model_up:
                self.active.add(response)
                self.asked = 0
            case inputs.ReplyDone(response, _):
                self.active.discard(response)
            case inputs.ToolRequested(model_call, _, _):
                self.requested.add(model_call)

    def _see(self, wanted: list[outputs.Output]) -> None:
        for output in wanted:
            assert outputs.CloseLine() not in self.done, "something is wanted after the end"
            if self.ending:
                assert isinstance(output, CLOSING), f"{output} though the end was decided"
            self.done.append(output)
            self._one(output)
        if not self.ending and isinstance(self.core.floor, Closing | Closed):
            self.ending, self.ending_since = True, self.now
        self._positions()

    def _one(self, output: outputs.Output) -> None:
        match output:
            case outputs.Feed(on):
                self.feed = on
            case outputs.NewGeneration(generation):
                assert generation == self.generation + 1, "generations follow one another"
                self.generation = generation
                self.queued = self.unsent = 0
                self.items.clear()
            case outputs.CancelReply(response):
                assert response in self.active, "a cancel for a reply that is not active"
                self.active.discard(response)
            case outputs.Say(key, _):
                self._one_reply()
                self.active.add(key)
            case outputs.CreateReply():
                self._one_reply()
                self.asked += 1
            case outputs.AnswerTool(model_call, _):
                assert model_call in self.requested, "an answer to a call nobody made"
                self._only_once("answer", model_call)
            case outputs.RunTool(tool_call, _, _, _):
                self._only_once("run", tool_call)
            case outputs.CloseModel():
                self._only_once("close model", None)
                self.active = {name for name in self.active if name.startswith("say-")}
                self.model_up, self.asked = False, 0
            case outputs.End():
                self._only_once("end", None)
            case outputs.Dial():
                self._only_once("dial", None)
            case outputs.Report(fact):
                self._fact(fact)

    def _one_reply(self) -> None:
        assert not self.active, "a reply is asked for while one is active"
        given_up = self.ending and self.now >= self.ending_since + FADE_S
        assert not self.asked or given_up, "a reply is asked for while one is asked for"

    def _only_once(self, what: str, which: Any) -> None:
        assert (what, which) not in self.once, f"{what} {which} twice"
        self.once.add((what, which))

    def _fact(self, fact: Message) -> None:
        match fact:
            case ToolCalled(tool_call=tool_call):
                self.tools[tool_call] = 0
            case ToolReturned(tool_call=tool_call):
                self.tools[tool_call] += 1
                assert self.tools[tool_call] == 1, "a tool call was answered twice"
            case AgentPaused():
                assert self.pauses == 0, "paused twice"
                self.pauses = 1
            case AgentResumed():
                assert self.pauses == 1, "resumed without a pause"
                self.pauses = 0
            case AgentInterrupted():
                self.pauses = 0
            case AgentSpoke():
                assert 0 < fact.heard_ms <= fact.generated_ms or fact.heard_ms == 0
            case ApprovalDecided(approval=approval) | ApprovalExpired(approval=approval):
                self._only_once("decided", approval)
            case TurnMeasured(turn=turn):
                self._only_once("measured", turn)
            case CallerSpoke(turn=turn):
                self._only_once("spoken turn", turn)

    def _positions(self) -> None:
        playback = self.core.playback
        heard = playback.heard_total(self.now)
        sent = self.queued - self.unsent
        assert 0 <= heard <= sent <= self.queued, "heard <= sent <= queued"
        assert playback.queued_total() == self.queued, "the ledger knows all that is queued"
        assert playback.backlog() == self.unsent, "the ledger knows all that is sent"
        assert sum(playback.heard(item, self.now) for item in playback.items()) == heard
        if not self.feed:
            paused = isinstance(self.core.floor, PausedFloor | Closed)
            assert paused, "feeding is off and nobody will switch it on"

    # At the end.

    def finish(self) -> None:
        """The caller hangs up, if the call is not over yet; then it all must have been closed."""
        self.tell(inputs.LineClosed(clean=True))
        assert self.core.closed
        assert self.core.deadline() is None
        ends = [output for output in self.done if isinstance(output, outputs.End)]
        assert len(ends) == 1, "exactly one end"
        assert self.done[-2:] == [ends[0], outputs.CloseLine()], "the line is closed last"
        assert ("close model", None) in self.once, "the model's session is closed"
        assert all(count == 1 for count in self.tools.values()), "every tool call is answered"

    def replay(self) -> list[outputs.Output]:
        """What another core wants that meets the same inputs at the same times."""
        again = Call(self.policy, 0.0)
        wanted: list[outputs.Output] = []
        for what, which, now in self.history:
            if what == "tell":
                wanted += again.handle(which, now)
            elif what == "wake":
                wanted += again.wake(now)
            else:
                again.playback.sent(which)
        return wanted
