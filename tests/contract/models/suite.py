"""What every model's line must do, whoever speaks behind it. Subclass it once per provider."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.simulators.room import rulebook
from tests.simulators.waiting import until
from workers.media.core import inputs
from workers.media.models.line import CallContext, ModelLine

Happened = TypeVar("Happened")
FRAME = b"\xff" * 160
PAYLOAD = b"/" * 213 + b"w=="


@dataclass
class Sink:
    """Collects what a line tells, in order."""

    happened: list[inputs.Input] = field(default_factory=list)
    audio: list[tuple[str, str, bytes]] = field(default_factory=list)
    usage: list[tuple[str, int, str, str]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)

    def on_model(self, happened: inputs.Input) -> None:
        self.happened.append(happened)
        self.order.append(type(happened).__name__)

    def on_model_audio(self, response: str, item: str, ulaw: bytes) -> None:
        self.audio.append((response, item, ulaw))
        self.order.append("audio")

    def on_usage(self, meter: str, quantity: int, unit: str, record: str) -> None:
        self.usage.append((meter, quantity, unit, record))

    def of(self, kind: type[Happened]) -> list[Happened]:
        return [each for each in self.happened if isinstance(each, kind)]

    def samples(self, response: str) -> int:
        return sum(len(ulaw) for name, _, ulaw in self.audio if name == response)


@dataclass
class Studio:
    """A line that is open or not yet, and what it tells."""

    line: ModelLine
    sink: Sink

    async def ready(self) -> None:
        await self.line.open(5)
        await until(lambda: bool(self.sink.of(inputs.ModelReady)), "the session is ready")

    async def done(self, response: str) -> str:
        def ended() -> bool:
            return any(each.response == response for each in self.sink.of(inputs.ReplyDone))

        await until(ended, f"the reply {response} is done")
        return next(
            each.status for each in self.sink.of(inputs.ReplyDone) if each.response == response
        )


def context(**changes: Any) -> CallContext:
    """The call the line may know of."""
    return CallContext(call="c_1", caller="+15550100002", rulebook=rulebook(**changes))


class ModelSuite:
    """`studio()` opens a line to a well-behaved model; `long_text` takes it seconds to say."""

    long_text = "This is a long sentence that is going to be interrupted before it has ended."

    def studio(self) -> AbstractAsyncContextManager[Studio]:
        raise NotImplementedError

    @contextlib.asynccontextmanager
    async def ready(self) -> AsyncIterator[Studio]:
        async with self.studio() as studio:
            await studio.ready()
            yield studio
            await studio.line.close()

    async def test_a_session_is_ready_once_and_says_who_speaks(self) -> None:
        async with self.ready() as studio:
            (ready,) = studio.sink.of(inputs.ModelReady)
            assert (ready.provider, bool(ready.model)) == (studio.line.provider, True)

    async def test_a_sentence_is_spoken_as_response_and_item_of_its_key(self) -> None:
        async with self.ready() as studio:
            assert studio.line.say("greeting", "Hello and welcome.") is True
            assert await studio.done("greeting") == "completed"
            assert {(response, item) for response, item, _ in studio.sink.audio} == {
                ("greeting", "greeting")
            }
            assert studio.sink.samples("greeting") > 2000
            assert studio.sink.of(inputs.ReplyText)[-1].text.split() == ["Hello", "and", "welcome."]

    async def test_a_reply_begins_before_its_audio_and_ends_after_it(self) -> None:
        async with self.ready() as studio:
            studio.line.say("a", "Hello there.")
            await studio.done("a")
            order = studio.sink.order
            assert order.index("ReplyStarted") < order.index("audio")
            assert len(order) - order[::-1].index("audio") <= order.index("ReplyDone")

    async def test_texts_grow_and_sentences_come_one_after_the_other(self) -> None:
        async with self.ready() as studio:
            studio.line.say("a", "First of all.")
            studio.line.say("b", "Then the second.")
            await studio.done("a")
            await studio.done("b")
            names = [response for response, _, _ in studio.sink.audio]
            assert names == sorted(names)
            for item in ("a", "b"):
                texts = [
                    each.text for each in studio.sink.of(inputs.ReplyText) if each.item == item
                ]
                assert texts == sorted(texts, key=len)

    async def test_a_cancelled_sentence_is_done_and_silent_from_then_on(self) -> None:
        async with self.ready() as studio:
            studio.line.say("long", self.long_text)
            await until(lambda: bool(studio.sink.audio), "it is spoken")
            studio.line.cancel("long")
            heard = studio.sink.samples("long")
            studio.line.truncate("long", 100)
            await studio.done("long")
            assert studio.sink.samples("long") == heard
            studio.line.say("next", "And now this.")
            assert await studio.done("next") == "completed"

    async def test_names_that_do_not_exist_are_harmless(self) -> None:
        async with self.ready() as studio:
            studio.line.cancel("nothing")
            studio.line.cancel("")
            studio.line.truncate("nothing", 500)
            studio.line.answer_tool("nothing", {"a": 1})
            studio.line.tell("The manager said yes.")
            studio.line.say("after", "Still here.")
            assert await studio.done("after") == "completed"
            assert studio.sink.of(inputs.ModelFailed) == []

    async def test_nothing_raises_before_the_session_is_open(self) -> None:
        async with self.studio() as studio:
            studio.line.append(PAYLOAD, FRAME)
            studio.line.cancel("x")
            studio.line.truncate("x", 1)
            studio.line.tell("x")
            studio.line.answer_tool("x", {})
            await studio.line.close()

    async def test_nothing_is_told_after_the_line_was_closed(self) -> None:
        async with self.ready() as studio:
            studio.line.say("long", self.long_text)
            await until(lambda: bool(studio.sink.audio), "it is spoken")
            await studio.line.close()
            told = len(studio.sink.order)
            for _ in range(200):  # whatever is under way has its turns of the loop
                await asyncio.sleep(0)
            assert studio.sink.of(inputs.ModelFailed) == []
            assert len(studio.sink.order) - told <= 1
            studio.line.append(PAYLOAD, FRAME)
            studio.line.say("late", "Nobody hears this.")
            studio.line.cancel("late")
            await studio.line.close()
