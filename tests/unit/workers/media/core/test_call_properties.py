"""Random interleavings of everything that can happen to a call, watched by a witness."""

from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from callfunnel.domain.rulebook import BargeIn, Limits, Silence
from tests.simulators.call_witness import Witness
from tests.simulators.scripted_call import rulebook
from workers.media.core import inputs, outputs
from workers.media.core.policy import Policy

TEXTS = st.sampled_from(["", "yes", "uh-huh", "I want to cancel", "This call is recorded."])
SHORT = st.sampled_from([0.0, 0.02, 0.08, 0.2, 0.35, 0.6, 1.1])
STATUSES = st.sampled_from(["completed", "cancelled", "incomplete", "failed"])
ITEMS = st.sampled_from(["", "i1", "i2", "i3"])
BOOKS = st.builds(
    rulebook,
    barge_in=st.sampled_from([BargeIn(), BargeIn(max_suspicions=0), BargeIn(talk_ms=900)]),
    silence=st.sampled_from([Silence(), Silence(after_ms=400, prompts=())]),
    limits=st.sampled_from(
        [
            Limits(model_stall_ms=30_000),
            Limits(),
            Limits(max_duration_ms=6_000),
            Limits(model_stall_ms=900),
        ]
    ),
    uninterruptible=st.sampled_from([(), ("This call is recorded.", "Hello.")]),
)


class AnyCall(RuleBasedStateMachine):
    """One call; every rule is something that can happen to it."""

    replies: Bundle[str] = Bundle("replies")

    @initialize(book=BOOKS, owns_turns=st.booleans(), begun=st.sampled_from([2, 1, 0, 2, 2]))
    def begin(self, book: Any, owns_turns: bool, begun: int) -> None:
        self.witness = Witness(Policy(rulebook=book, owns_turns=owns_turns, last_words_ms=4_000))
        self.number = 0
        self.calls = 0
        if begun:
            self.witness.tell(inputs.Started())
            self.witness.tell(inputs.ModelReady("openai", "gpt-realtime"))
        if begun == 2:
            self._speak(self._last_sentence(), 1_600, "completed")
            self._play_out()

    def reply_name(self) -> str:
        self.number += 1
        return f"r{self.number}"

    # What usually goes together: without it, chance alone would seldom get a call this far.

    def _last_sentence(self) -> str:
        said = [output.key for output in self.witness.done if isinstance(output, outputs.Say)]
        return said[-1] if said else "say-0-none"

    def _speak(self, reply: str, samples: int, status: str) -> None:
        self.witness.queue(reply, reply, samples)
        self.witness.tell(inputs.ReplyDone(reply, status))

    def _play_out(self) -> None:
        self.witness.play(1_000_000)
        if self.witness.marks:
            self.witness.tell(inputs.MarkPlayed(self.witness.marks[-1]))

    @rule(seconds=SHORT, heard=st.booleans())
    def caller_speaks(self, seconds: float, heard: bool) -> None:
        self.witness.tell(inputs.EdgeSpeechStarted(20.0))
        self.witness.wait(seconds)
        if heard:
            self.witness.tell(inputs.ModelSpeechStarted())
        self.witness.tell(inputs.EdgeSpeechEnded())
        self.witness.wait(seconds)
        if heard:
            self.witness.tell(inputs.ModelSpeechEnded())

    @rule(target=replies, samples=st.sampled_from([1_600, 16_000]), done=st.booleans())
    def model_replies(self, samples: int, done: bool) -> str:
        name = self.reply_name()
        self.witness.tell(inputs.ReplyStarted(name))
        self.witness.queue(name, f"{name}-1", samples)
        self.witness.tell(inputs.ReplyText(f"{name}-1", "This call is recorded. How are you?"))
        if done:
            self.witness.tell(inputs.ReplyDone(name, "completed"))
        return name

    @rule(seconds=SHORT)
    def everything_is_heard(self, seconds: float) -> None:
        self._play_out()
        self.witness.wait(seconds)

    @rule(seconds=SHORT)
    def a_voice_comes_over_the_agent(self, seconds: float) -> None:
        self.model_replies(16_000, True)
        self.witness.play(4_000)
        self.witness.wait(0.5)
        self.witness.tell(inputs.EdgeSpeechStarted(20.0))
        self.witness.wait(seconds)

    @rule(
        name=st.sampled_from(["find_customer", "offer_discount"]),
        outcome=st.sampled_from(["done", "pending", ""]),
        approval=st.sampled_from(["apr_1", "apr_2"]),
        seconds=SHORT,
    )
    def model_uses_a_tool(self, name: str, outcome: str, approval: str, seconds: float) -> None:
        reply = self.reply_name()
        self.calls += 1
        self.witness.tell(inputs.ReplyStarted(reply))
        self.witness.tell(inputs.ToolRequested(f"call-{self.calls}", name, {"percent": 25}))
        self.witness.tell(inputs.ReplyDone(reply, "completed"))
        self.witness.wait(seconds)
        if outcome:
            asked = f"tc_{len(self.witness.tools)}"
            self.witness.tell(inputs.ToolAnswered(asked, outcome, {}, approval))
        if outcome == "pending":
            self._speak(self._last_sentence(), 1_600, "completed")
            self._play_out()

    # What can happen at any moment, fitting or not.

    @rule(happened=st.sampled_from([inputs.Started(), inputs.ModelReady("demo", "demo")]))
    def opens(self, happened: inputs.Input) -> None:
        self.witness.tell(happened)

    @rule(seconds=SHORT)
    def waits(self, seconds: float) -> None:
        self.witness.wait(seconds)

    @rule(seconds=st.sampled_from([3.0, 12.0]))
    def waits_long(self, seconds: float) -> None:
        self.witness.wait(seconds)

    @rule(level=st.sampled_from([0.0, 20.0]), lasted=st.sampled_from([0, 40, -5]))
    def edge_starts(self, level: float, lasted: int) -> None:
        self.witness.tell(inputs.EdgeSpeechStarted(level, lasted))

    @rule(silent=st.sampled_from([0, 60, 100_000]))
    def edge_ends(self, silent: int) -> None:
        self.witness.tell(inputs.EdgeSpeechEnded(silent))

    @rule(item=ITEMS)
    def model_hears(self, item: str) -> None:
        self.witness.tell(inputs.ModelSpeechStarted(item))

    @rule(item=ITEMS)
    def model_takes_turn_as_over(self, item: str) -> None:
        self.witness.tell(inputs.ModelSpeechEnded(item))

    @rule(item=ITEMS, text=TEXTS)
    def text_comes(self, item: str, text: str) -> None:
        self.witness.tell(inputs.CallerTranscript(item, text))

    @rule(target=replies)
    def reply_starts(self) -> str:
        name = self.reply_name()
        self.witness.tell(inputs.ReplyStarted(name))
        return name

    @rule(reply=replies, samples=st.sampled_from([0, 160, 1_600, 16_000]), item=st.integers(1, 2))
    def audio_comes(self, reply: str, samples: int, item: int) -> None:
        self.witness.queue(reply, f"{reply}-{item}", samples)

    @rule(reply=replies, text=TEXTS, ends=st.sampled_from([(), (800,), (800, 1_600, 2_400, 3_200)]))
    def reply_text_comes(self, reply: str, text: str, ends: tuple[int, ...]) -> None:
        self.witness.tell(inputs.ReplyText(f"{reply}-1", text, ends))

    @rule(reply=replies, status=STATUSES)
    def reply_ends(self, reply: str, status: str) -> None:
        self.witness.tell(inputs.ReplyDone(reply, status))

    @rule(samples=st.sampled_from([800, 8_000]), status=STATUSES)
    def sentence_is_spoken(self, samples: int, status: str) -> None:
        self._speak(self._last_sentence(), samples, status)

    @rule(samples=st.sampled_from([160, 960, 100_000]))
    def line_plays(self, samples: int) -> None:
        self.witness.play(samples)

    @rule(which=st.integers(0, 30))
    def mark_is_echoed(self, which: int) -> None:
        if self.witness.marks:
            name = self.witness.marks[which % len(self.witness.marks)]
            self.witness.tell(inputs.MarkPlayed(name))

    @rule(
        name=st.sampled_from(["find_customer", "offer_discount", "transfer_to_person", "nothing"]),
        arguments=st.sampled_from([{}, {"percent": 25}, None]),
        again=st.booleans(),
    )
    def tool_is_called(self, name: str, arguments: dict[str, Any] | None, again: bool) -> None:
        self.calls += 0 if again else 1
        self.witness.tell(inputs.ToolRequested(f"call-{self.calls}", name, arguments))

    @rule(
        which=st.integers(1, 4),
        outcome=st.sampled_from(["done", "done", "failed", "pending", "odd"]),
        result=st.sampled_from([{}, {"a": 5}, {}, {"end": True}, {"transfer": "+15550100900"}]),
        approval=st.sampled_from(["", "apr_1", "apr_2"]),
    )
    def tool_answers(self, which: int, outcome: str, result: dict[str, Any], approval: str) -> None:
        self.witness.tell(inputs.ToolAnswered(f"tc_{which}", outcome, result, approval))

    @rule(
        approval=st.sampled_from(["apr_1", "apr_2"]),
        decision=st.sampled_from(["approved", "refused", "expired", "odd"]),
    )
    def person_decides(self, approval: str, decision: str) -> None:
        self.witness.tell(inputs.ApprovalClosed(approval, decision, "mia", "api", {}))

    @rule(digit=st.sampled_from("0#"))
    def key_is_pressed(self, digit: str) -> None:
        self.witness.tell(inputs.KeyPressed(digit))

    @rule(
        happened=st.sampled_from(
            [
                inputs.HangUpAsked("agent"),
                inputs.HangUpAsked("mia"),
                inputs.ModelFailed("gone"),
                inputs.BadFrame("model", "odd"),
                inputs.Drain(),
            ]
        ),
        really=st.integers(0, 9),
    )
    def something_ends(self, happened: inputs.Input, really: int) -> None:
        if really == 7:
            self.witness.tell(happened)

    @invariant()
    def an_end_that_was_decided_comes(self) -> None:
        if self.witness.ending and not self.witness.core.closed:
            due = self.witness.core.deadline()
            assert due is not None
            assert due <= self.witness.now + 4.1

    def teardown(self) -> None:
        if hasattr(self, "witness"):
            self.witness.finish()
            assert self.witness.replay() == self.witness.done, "the same again gives the same"


AnyCall.TestCase.settings = settings(
    max_examples=120,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    report_multiple_bugs=False,
    phases=(Phase.generate, Phase.shrink),
)
test_no_order_of_inputs_breaks_a_rule = pytest.mark.filterwarnings("ignore")(AnyCall.TestCase)

WORDS = st.sampled_from(["", "a", "g0-5", "g-", "g0-99999999999999999999", "apr_1", "tc_1", "\x00"])
NUMBERS = st.integers(-(2**70), 2**70)
JUNK: dict[type, st.SearchStrategy[Any]] = {
    str: WORDS,
    int: NUMBERS,
    float: st.floats(allow_nan=False, allow_infinity=False, width=32),
    bool: st.booleans(),
}


@st.composite
def junk(draw: st.DrawFn) -> inputs.Input:
    """Any input with anything its types allow in it."""
    kind = draw(st.sampled_from(inputs.Input.__args__))
    values = {}
    for name, kind_of in kind.__annotations__.items():
        if kind_of in JUNK:
            values[name] = draw(JUNK[kind_of])
        elif name == "word_ends":
            values[name] = tuple(draw(st.lists(NUMBERS, max_size=3)))
        else:
            values[name] = draw(st.dictionaries(WORDS, WORDS | NUMBERS, max_size=2))
    made: inputs.Input = kind(**values)
    return made


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.tuples(junk(), st.floats(-5, 30)), max_size=40))
def test_no_junk_raises_and_all_of_it_can_be_replayed(story: list[tuple[Any, float]]) -> None:
    first, second = Witness(Policy(rulebook=rulebook())), Witness(Policy(rulebook=rulebook()))
    for core in (first.core, second.core):
        core.handle(inputs.Started(), 0.0)
        core.handle(inputs.ModelReady("openai", "x"), 0.0)
    now = 0.0
    for happened, later in story:
        now = max(now + later, 0.0)
        assert first.core.handle(happened, now) == second.core.handle(happened, now)
        assert first.core.wake(now) == second.core.wake(now)
