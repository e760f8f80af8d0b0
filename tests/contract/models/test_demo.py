"""The offline agent: the common suite, and turns of speech with the real ears and voice."""

import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ruamel.yaml import YAML

from callfunnel.domain.rulebook import Rulebook
from callfunnel.infra.speech import Synthesizer
from tests.contract.models.suite import FRAME, PAYLOAD, ModelSuite, Sink, Studio
from tests.simulators.waiting import until
from workers.media.core import inputs
from workers.media.models.demo import DemoLines
from workers.media.models.line import CallContext

STORY = Path(__file__).parents[3] / "callfunnel/local/demo/home-internet.yaml"
SILENCE = b"\xff" * 160


def story() -> Rulebook:
    return msgspec.convert(YAML(typ="safe").load(STORY.read_text()), Rulebook)


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[Studio]:
    lines, sink = DemoLines(), Sink()
    context = CallContext(call="c_1", caller="+15550100123", rulebook=story())
    yield Studio(lines(context, sink), sink)
    await lines.close()


class TestDemo(ModelSuite):
    @contextlib.asynccontextmanager
    async def studio(self) -> AsyncIterator[Studio]:
        async with opened() as studio:
            yield studio


class Conversation:
    """A caller with a synthetic voice, and what the line told since they last spoke."""

    def __init__(self, studio: Studio) -> None:
        self.line, self.sink = studio.line, studio.sink
        self._voice = Synthesizer()

    async def says(self, text: str) -> None:
        """Speaks, falls silent, and waits for the reply that follows."""
        before = len(self.sink.of(inputs.ReplyDone))
        speech = await self._voice.synthesize(text, voice="en-us", rate=160)
        self._send(speech.ulaw)

        def answered() -> bool:
            self._send(SILENCE)
            return len(self.sink.of(inputs.ReplyDone)) > before

        await until(answered, f"an answer to {text!r}")

    def answer_tool(self, output: dict[str, Any]) -> None:
        self.line.answer_tool(self.tool().model_call, output)

    def tool(self) -> inputs.ToolRequested:
        return self.sink.of(inputs.ToolRequested)[-1]

    def heard(self) -> str:
        return self.sink.of(inputs.CallerTranscript)[-1].text

    def answer(self) -> str:
        said = self.sink.of(inputs.ReplyText)
        return said[-1].text if said else ""

    def _send(self, ulaw: bytes) -> None:
        for at in range(0, len(ulaw) - 159, 160):
            frame = ulaw[at : at + 160]
            self.line.append(base64.b64encode(frame), frame)


@pytest.fixture
async def talk() -> AsyncIterator[Conversation]:
    async with opened() as studio:
        await studio.ready()
        conversation = Conversation(studio)
        yield conversation
        await conversation._voice.close()
        await studio.line.close()


async def test_the_bill_is_explained_from_what_the_look_up_says(talk: Conversation) -> None:
    await talk.says("Why is my bill so high?")
    assert talk.tool().name == "find_customer"
    talk.answer_tool(
        {
            "status": "done",
            "result": {
                "name": "Kim Lee",
                "plan": "Fiber 9",
                "bill": "77 dollars",
                "increase": "8 dollars",
                "reason": "of the moon",
            },
        }
    )
    talk.line.create_reply("")
    await until(lambda: "of the moon" in talk.answer(), "the explanation")
    assert talk.answer().startswith("Kim Lee")


async def test_a_discount_above_the_limit_waits_and_the_decision_moves_the_dialogue(
    talk: Conversation,
) -> None:
    await talk.says("I want to cancel my contract.")
    assert "25 percent" in talk.answer()
    await talk.says("Yes please.")
    assert talk.tool().arguments == {"percent": 25, "months": 12}
    talk.answer_tool({"status": "pending", "approval": "apr_1"})
    talk.line.tell('The request offer_discount was refused. Result: none. The caller is told: "x"')
    await talk.says("Yes.")
    assert talk.tool().arguments == {"percent": 10, "months": 12}


async def test_a_call_back_is_booked_for_the_day_and_time_that_were_said(
    talk: Conversation,
) -> None:
    await talk.says("Can you call me back?")
    await talk.says("Tomorrow at three.")
    assert talk.tool().name == "book_callback"
    assert talk.tool().arguments == {"day": "tomorrow", "time": "three"}


async def test_a_caller_who_wants_a_person_is_handed_over(talk: Conversation) -> None:
    await talk.says("Can I speak to a person?")
    assert talk.tool().name == "transfer_to_person"
    kinds = talk.sink.order
    assert kinds.index("audio") < kinds.index("ToolRequested")


async def test_a_tool_that_failed_is_admitted(talk: Conversation) -> None:
    await talk.says("Why is my bill so high?")
    talk.answer_tool({"status": "failed", "result": {"error": "no customer has this number"}})
    talk.line.create_reply("")
    await until(lambda: talk.answer().startswith("I am sorry"), "the agent says so")


async def test_a_card_number_is_transcribed_and_not_taken(talk: Conversation) -> None:
    await talk.says("My card number is four one one one, one one one one, one one one one.")
    assert sum(word == "one" for word in talk.heard().split()) >= 9
    assert "card" in talk.answer()


async def test_speech_that_fits_nothing_is_asked_again(talk: Conversation) -> None:
    await talk.says("The quick brown fox jumps over the lazy dog near the river bank.")
    assert talk.answer().startswith("Sorry, I did not get that")


async def test_a_goodbye_ends_the_call_after_the_last_word(talk: Conversation) -> None:
    await talk.says("That is all, thank you.")
    await until(lambda: bool(talk.sink.of(inputs.HangUpAsked)), "the agent hangs up")
    assert talk.sink.order.index("HangUpAsked") > talk.sink.order.index("audio")


async def test_a_short_noise_is_no_turn(talk: Conversation) -> None:
    noise = bytes((n * 97 + n * n * 31) % 256 for n in range(160 * 4))
    talk._send(noise + SILENCE * 60)
    await talk.says("Hello.")
    assert len(talk.sink.of(inputs.CallerTranscript)) == 1


async def test_a_rule_book_without_a_script_fails_the_model() -> None:
    lines, sink = DemoLines(), Sink()
    bare = msgspec.structs.replace(story(), demo=None)
    line = lines(CallContext(call="c_1", caller="x", rulebook=bare), sink)
    await line.open(5)
    line.append(PAYLOAD, FRAME)
    assert [failed.reason for failed in sink.of(inputs.ModelFailed)] == [
        "the rule book has no demo script"
    ]
    await lines.close()
