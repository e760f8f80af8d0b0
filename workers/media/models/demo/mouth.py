"""Speaks one utterance after the other: what the core wants said, and the replies of the script."""

import asyncio
from collections import deque
from typing import Any, Final, Protocol

from msgspec import Struct

from callfunnel.infra.speech import Speech, SpeechFailed
from workers.media.core import inputs
from workers.media.models.line import ModelSink

_MOST_WAITING: Final = 20


class Speaks(Protocol):
    """A synthesizer; raises SpeechFailed."""

    async def synthesize(self, text: str) -> Speech: ...


class Sentence(Struct, frozen=True):
    """One item of an utterance."""

    item: str
    text: str


class Utterance(Struct, frozen=True):
    """A response of the model: sentences, then a tool call that belongs to it, then `after`."""

    response: str
    sentences: tuple[Sentence, ...] = ()
    tool: inputs.ToolRequested | None = None
    after: inputs.Input | None = None


class Mouth:
    """One call's. Tells the sink what is spoken, in order; every utterance is done exactly once."""

    def __init__(self, voice: Speaks, sink: ModelSink) -> None:
        self._voice = voice
        self._sink = sink
        self._waiting: deque[Utterance] = deque()
        self._speaking = ""
        self._task: asyncio.Task[None] | None = None

    def utter(self, utterance: Utterance) -> None:
        """Speaks it once all before it is spoken."""
        if len(self._waiting) >= _MOST_WAITING:
            self._tell_done(utterance.response, "failed")
            return
        self._waiting.append(utterance)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._speak_all())

    def cancel(self, response: str) -> None:
        """Stops that utterance, or forgets it; what is over stays over."""
        for utterance in [each for each in self._waiting if each.response == response]:
            self._waiting.remove(utterance)
            self._tell_done(response, "cancelled")
        if response and response == self._speaking and self._task is not None:
            self._task.cancel()
            self._speaking, self._task = "", None
            self._tell_done(response, "cancelled")
            if self._waiting:
                self.utter(self._waiting.popleft())

    async def close(self) -> None:
        """Falls silent without a word about it."""
        self._waiting.clear()
        task, self._task, self._speaking = self._task, None, ""
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _speak_all(self) -> None:
        while self._waiting:
            utterance = self._waiting.popleft()
            self._speaking = utterance.response
            self._sink.on_model(inputs.ReplyStarted(utterance.response))
            status = await self._speak(utterance)
            self._speaking = ""
            if utterance.tool is not None:
                self._sink.on_model(utterance.tool)
            self._tell_done(utterance.response, status)
            if utterance.after is not None:
                self._sink.on_model(utterance.after)

    async def _speak(self, utterance: Utterance) -> str:
        for sentence in utterance.sentences:
            try:
                speech = await self._voice.synthesize(sentence.text)
            except SpeechFailed:
                return "failed"
            self._sink.on_model_audio(utterance.response, sentence.item, speech.ulaw)
            words: Any = inputs.ReplyText(sentence.item, speech.text, speech.word_ends)
            self._sink.on_model(words)
        return "completed"

    def _tell_done(self, response: str, status: str) -> None:
        self._sink.on_model(inputs.ReplyDone(response, status))
