"""Sentences a model cannot speak, in the local synthesizer's voice, as if one had spoken them."""

import asyncio
from typing import Protocol

from callfunnel.infra.speech import Speech, SpeechFailed
from workers.media.core.inputs import ReplyDone, ReplyText
from workers.media.models.line import ModelSink


class Synthesizes(Protocol):
    """Text to telephone audio; raises SpeechFailed."""

    async def synthesize(self, text: str) -> Speech: ...


class Speaker:
    """One call's. A sentence enters the call like a reply that is complete at once."""

    def __init__(self, voice: Synthesizes) -> None:
        self._voice = voice
        self._speaking: dict[str, asyncio.Task[None]] = {}

    def say(self, key: str, text: str, sink: ModelSink) -> None:
        """Speaks `text` as response and item `key`."""
        task = asyncio.get_running_loop().create_task(self._say(key, text, sink))
        self._speaking[key] = task
        task.add_done_callback(lambda _: self._speaking.pop(key, None))

    def cancel(self, key: str) -> None:
        """Forgets a sentence that is not spoken yet."""
        task = self._speaking.pop(key, None)
        if task is not None:
            task.cancel()

    async def _say(self, key: str, text: str, sink: ModelSink) -> None:
        try:
            speech = await self._voice.synthesize(text)
        except SpeechFailed:
            sink.on_model(ReplyDone(key, "failed"))
            return
        except asyncio.CancelledError:
            sink.on_model(ReplyDone(key, "cancelled"))
            raise
        sink.on_model_audio(key, key, speech.ulaw)
        sink.on_model(ReplyText(key, speech.text, speech.word_ends))
        sink.on_model(ReplyDone(key, "completed"))
