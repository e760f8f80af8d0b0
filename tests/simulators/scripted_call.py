"""A call core with everything around it played in virtual time: line, caller, model, conductor.

The script's verbs read like what happens in a call. The line paces audio a window ahead of real
time, plays it, and echoes marks; sentences (`Say`) are spoken at 16 characters a second.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from callfunnel.domain.rulebook import ApprovalPolicy, Persona, Rulebook, Tool
from callfunnel.events.call import AgentSpoke, CallerSpoke
from callfunnel.events.message import Message
from workers.media.core import inputs, outputs
from workers.media.core.call import Call
from workers.media.core.policy import Policy

Wanted = TypeVar("Wanted")
Fact = TypeVar("Fact", bound=Message)
FRAME = 160
CHARACTERS_A_SECOND = 16

OFFER = Tool(
    name="offer_discount",
    kind="offer",
    description="",
    parameters={},
    approval=ApprovalPolicy(
        field="percent",
        above=10,
        ask="{percent} percent?",
        pending="I am asking for {percent} percent.",
        approved="You get {percent} percent.",
        refused="They said no to {percent} percent.",
        expired="Nobody answered about {percent} percent.",
    ),
)
LOOKUP = Tool(name="find_customer", kind="customer_lookup", description="", parameters={})
TRANSFER = Tool(name="transfer_to_person", kind="transfer", description="", parameters={})


def rulebook(**changes: Any) -> Rulebook:
    """The rule book of the scripts, with what a scenario is about."""
    book: dict[str, Any] = {
        "agent": "home-internet",
        "persona": Persona(name="Nova", company="Brightline"),
        "greeting": "Hello.",
        "tools": (LOOKUP, OFFER, TRANSFER),
    }
    return Rulebook(**{**book, **changes})


class Carrier:
    """The far end of the line: a buffer that plays in real time and echoes marks."""

    def __init__(self, script: "ScriptedCall", marks: bool) -> None:
        self._script = script
        self._marks = marks
        self._plays_until = 0.0
        self._pending: list[tuple[float, str]] = []

    def buffered(self) -> float:
        return max(self._plays_until - self._script.now, 0.0)

    def media(self) -> None:
        self._plays_until = max(self._plays_until, self._script.now) + FRAME / 8000

    def mark(self, name: str) -> None:
        if self._marks:
            self._pending.append((self._plays_until, name))
            self._script.at(self._plays_until, self._echo)

    def _echo(self) -> None:
        due = [name for at, name in self._pending if at <= self._script.now + 1e-9]
        self._pending = [(at, n) for at, n in self._pending if at > self._script.now + 1e-9]
        for name in due:
            self._script.tell(inputs.MarkPlayed(name))

    def clear(self) -> None:
        """Drops the buffer; every mark in it is echoed at once, as carriers do."""
        storm, self._pending = [name for _, name in self._pending], []
        self._plays_until = self._script.now
        for name in storm:
            self._script.at(
                self._script.now + 0.01, lambda n=name: self._script.tell(inputs.MarkPlayed(n))
            )


class ScriptedCall:
    """One call, its shell and its surroundings. Times are seconds from the script's begin."""

    def __init__(self, book: Rulebook | None = None, *, marks: bool = True, **policy: Any) -> None:
        self.now = 0.0
        self.book = book or rulebook()
        self.core = Call(Policy(rulebook=self.book, **policy), 0.0)
        self.carrier = Carrier(self, marks)
        self.outputs: list[outputs.Output] = []
        self.voice_works: bool | None = True
        """False: sentences fail. None: nothing is ever heard of them."""
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self._queue = 0
        self._feed = True
        self._flowing = self._pumping = False
        self._replies = 0
        self._unmarked = 0

    # Time.

    def at(self, when: float, do: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._later, (when, self._order, do))

    def passes(self, seconds: float) -> None:
        """Time goes by; all that is due happens in its order."""
        end = self.now + seconds
        stuck: Counter[float] = Counter()
        while (upcoming := self._next()) <= end:
            self.now = max(self.now, upcoming)
            stuck[self.now] += 1
            assert stuck[self.now] < 500, "the core asks to be woken for ever at one moment"
            if self._later and self._later[0][0] <= self.now:
                heapq.heappop(self._later)[2]()
            else:
                self._do(self.core.wake(self.now))
        self.now = end

    def _next(self) -> float:
        due = self.core.deadline()
        times = [at for at in (due, self._later[0][0] if self._later else None) if at is not None]
        return min(times, default=float("inf"))

    def tell(self, happened: inputs.Input) -> None:
        """Any input at all."""
        self._do(self.core.handle(happened, self.now))

    # What is in the script.

    def connects(self) -> "ScriptedCall":
        """The line opens and the model is ready."""
        self.tell(inputs.Started())
        self.tell(inputs.ModelReady("openai", "gpt-realtime"))
        return self

    def greets(self) -> "ScriptedCall":
        """The call begins, and the greeting is heard to its end."""
        self.connects()
        self.passes(2.0)
        return self

    def caller_begins(self, level_db: float = 20.0) -> None:
        """Voice on the line: the edge hears it."""
        self.tell(inputs.EdgeSpeechStarted(level_db))

    def caller_pauses(self) -> None:
        """No voice any more, as far as the edge hears."""
        self.tell(inputs.EdgeSpeechEnded())

    def caller_makes_noise(self, seconds: float) -> None:
        """A sound that only the edge takes for a voice."""
        self.caller_begins()
        self.passes(seconds)
        self.caller_pauses()

    def caller_says(self, text: str, item: str = "") -> None:
        """A whole turn: the edge hears it at once, the model 0.2 s later; its text comes last."""
        self.caller_begins()
        self.passes(0.2)
        self.tell(inputs.ModelSpeechStarted(item))
        self.passes(len(text) / CHARACTERS_A_SECOND)
        self.caller_pauses()
        self.passes(0.4)
        self.tell(inputs.ModelSpeechEnded(item))
        self.tell(inputs.CallerTranscript(item, text))

    def model_replies(self, text: str, *, done: bool = True) -> str:
        """The model makes a reply, much faster than it will be heard."""
        self._replies += 1
        name = f"r{self._replies}"
        self.tell(inputs.ReplyStarted(name))
        self.model_goes_on(name, text)
        if done:
            self.tell(inputs.ReplyDone(name, "completed"))
        return name

    def model_goes_on(self, response: str, text: str) -> None:
        """Audio and text of a reply that was begun."""
        item = f"{response}-item"
        self._speak(response, item, text)
        self.tell(inputs.ReplyText(item, text))

    def model_calls(self, name: str, model_call: str = "call-1", **arguments: Any) -> None:
        """A reply that is nothing but a tool call."""
        self._replies += 1
        reply = f"r{self._replies}"
        self.tell(inputs.ReplyStarted(reply))
        self.tell(inputs.ToolRequested(model_call, name, arguments))
        self.tell(inputs.ReplyDone(reply, "completed"))

    def tool_gives(self, tool_call: str = "tc_1", **result: Any) -> None:
        """The conductor answers."""
        self.tell(inputs.ToolAnswered(tool_call, "done", result))

    def tool_asks_a_person(self, tool_call: str = "tc_1", approval: str = "apr_1") -> None:
        """The conductor answers that a person must decide."""
        self.tell(
            inputs.ToolAnswered(tool_call, "pending", {}, approval, "soon", "10", "25 percent")
        )

    def person_decides(self, decision: str, approval: str = "apr_1", **result: Any) -> None:
        """The decision comes into the call."""
        self.tell(inputs.ApprovalClosed(approval, decision, "mia", "console", result))

    # What can be asked of it.

    def all(self, kind: type[Wanted]) -> list[Wanted]:
        """The outputs of a kind, in order."""
        return [output for output in self.outputs if isinstance(output, kind)]

    def facts(self, kind: type[Fact]) -> list[Fact]:
        """The facts of a kind, in order."""
        reports = self.all(outputs.Report)
        return [report.fact for report in reports if isinstance(report.fact, kind)]

    def said(self) -> list[str]:
        """The sentences the core had said, in order."""
        return [say.text for say in self.all(outputs.Say)]

    def transcript(self) -> list[str]:
        """Who was heard saying what, in order."""
        lines = []
        for report in self.all(outputs.Report):
            match report.fact:
                case CallerSpoke(text=text):
                    lines.append(f"caller: {text}")
                case AgentSpoke(text=text):
                    lines.append(f"agent: {text}")
        return lines

    def end(self) -> outputs.End:
        """The one end of the call."""
        (end,) = self.all(outputs.End)
        assert self.core.closed
        return end

    def forget(self) -> None:
        """Only what is wanted from here on counts."""
        self.outputs.clear()

    # The shell.

    def _do(self, wanted: list[outputs.Output]) -> None:
        for output in wanted:
            self.outputs.append(output)
            match output:
                case outputs.Feed(on):
                    self._feed = on
                    self._pump_soon()
                case outputs.NewGeneration():
                    self._queue = 0
                    self._flowing = False
                case outputs.ClearLine():
                    self.carrier.clear()
                case outputs.Say(key, text):
                    self.at(self.now + 0.05, lambda k=key, t=text: self._voice(k, t))

    def _voice(self, key: str, text: str) -> None:
        if self.voice_works is None:
            return
        if not self.voice_works:
            self.tell(inputs.ReplyDone(key, "failed"))
        elif self.core.playback.accepts(key):
            self._speak(key, key, text)
            self.tell(inputs.ReplyDone(key, "completed"))

    def _speak(self, response: str, item: str, text: str) -> None:
        if self.core.playback.accepts(response):
            samples = len(text) * 8000 // CHARACTERS_A_SECOND // FRAME * FRAME
            self._queue += samples
            self.tell(inputs.AudioQueued(response, item, samples))
            self._pump_soon()

    def _pump_soon(self) -> None:
        if not self._pumping:
            self._pumping = True
            self.at(self.now, self._pump)

    def _pump(self) -> None:
        self._pumping = False
        while self._feed and self._queue and self.carrier.buffered() < 0.12 - 1e-6:
            self._frame()
        if self._feed and self._queue:
            self._pumping = True
            self.at(self.now + FRAME / 8000, self._pump)

    def _frame(self) -> None:
        self._queue -= FRAME
        self.carrier.media()
        self.core.playback.sent(FRAME)
        self._unmarked += 1
        if self._unmarked >= 5 or not self._queue:
            self._unmarked = 0
            self.carrier.mark(self.core.playback.mark())
        if not self._flowing:
            self._flowing = True
            self.tell(inputs.PlayoutStarted())
        if not self._queue and self._flowing:
            self._flowing = False
            self.tell(inputs.QueueDry())
