"""Utterances one after the other; each is done exactly once, whatever is cancelled when."""

import asyncio
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from callfunnel.infra.speech import Speech, SpeechFailed
from workers.media.core import inputs
from workers.media.models.demo.mouth import Mouth, Sentence, Utterance


@dataclass
class Ear:
    """What the mouth told."""

    happened: list[inputs.Input] = field(default_factory=list)
    audio: list[str] = field(default_factory=list)

    def on_model(self, happened: inputs.Input) -> None:
        self.happened.append(happened)

    def on_model_audio(self, response: str, item: str, ulaw: bytes) -> None:
        self.audio.append(item)

    def on_usage(self, meter: str, quantity: int, unit: str, record: str) -> None:
        raise AssertionError("a mouth uses nothing")

    def done(self) -> dict[str, list[str]]:
        ends: dict[str, list[str]] = {}
        for each in self.happened:
            if isinstance(each, inputs.ReplyDone):
                ends.setdefault(each.response, []).append(each.status)
        return ends


class Voice:
    """Speaks when it is let; fails on what it is told to."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.let.set()

    async def synthesize(self, text: str) -> Speech:
        await self.let.wait()
        if text == "unspeakable":
            raise SpeechFailed(text)
        return Speech(text, b"\xff" * 800, (800,))


def sentence(response: str, text: str = "word") -> Utterance:
    return Utterance(response, (Sentence(response, text),))


async def settled() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def test_sentences_are_spoken_in_order_and_a_tool_call_belongs_to_its_reply() -> None:
    ear = Ear()
    mouth = Mouth(Voice(), ear)
    tool = inputs.ToolRequested("c1", "find", {})
    mouth.utter(Utterance("a", (Sentence("a0", "one"), Sentence("a1", "two")), tool))
    mouth.utter(Utterance("b", (Sentence("b0", "three"),), None, inputs.HangUpAsked("agent")))
    await settled()
    assert ear.audio == ["a0", "a1", "b0"]
    names = [type(each).__name__ for each in ear.happened]
    assert names == [
        *("ReplyStarted", "ReplyText", "ReplyText", "ToolRequested", "ReplyDone"),
        *("ReplyStarted", "ReplyText", "ReplyDone", "HangUpAsked"),
    ]


async def test_a_reply_cancelled_before_its_audio_asks_for_no_tool() -> None:
    ear, voice = Ear(), Voice()
    voice.let.clear()
    mouth = Mouth(voice, ear)
    tool = inputs.ToolRequested("c1", "find", {})
    mouth.utter(Utterance("a", (Sentence("a0", "one"),), tool))
    await settled()
    mouth.cancel("a")
    voice.let.set()
    await settled()
    assert ear.done() == {"a": ["cancelled"]}
    assert ear.audio == []
    assert tool not in ear.happened


async def test_a_sentence_that_cannot_be_spoken_fails_alone() -> None:
    ear = Ear()
    mouth = Mouth(Voice(), ear)
    mouth.utter(sentence("a", "unspeakable"))
    mouth.utter(sentence("b"))
    await settled()
    assert ear.done() == {"a": ["failed"], "b": ["completed"]}


async def test_a_flood_of_sentences_is_bounded() -> None:
    ear = Ear()
    mouth = Mouth(Voice(), ear)
    for n in range(100):
        mouth.utter(sentence(f"r{n}"))
    assert sum(ends == ["failed"] for ends in ear.done().values()) == 80
    await mouth.close()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["say", "cancel", "wait", "stop", "go"]), st.integers(0, 5)),
        max_size=25,
    )
)
def test_every_utterance_is_done_once_under_any_interleaving(moves: list[tuple[str, int]]) -> None:
    async def play() -> None:
        ear, voice = Ear(), Voice()
        mouth = Mouth(voice, ear)
        said: set[str] = set()
        for n, (move, which) in enumerate(moves):
            match move:
                case "say":
                    said.add(f"r{n}")
                    mouth.utter(sentence(f"r{n}"))
                case "cancel":
                    mouth.cancel(sorted(said)[which % len(said)] if said else "none")
                case "wait":
                    await settled()
                case "stop":
                    voice.let.clear()
                case _:
                    voice.let.set()
        voice.let.set()
        for _ in range(10):
            await settled()
        assert {name: len(ends) for name, ends in ear.done().items()} == dict.fromkeys(said, 1)
        await mouth.close()

    asyncio.run(play())
