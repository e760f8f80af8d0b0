"""The offline agent as a model's line: ears, a script for a brain, and espeak-ng's voice.

It owns turn-taking. Sentences of the rule book (`say`) are left to the worker's own synthesizer,
which has the same voice.
"""

import asyncio
import re
from collections.abc import Coroutine
from typing import Any, Final, Protocol

from callfunnel.domain.rulebook import DemoScript
from callfunnel.infra.speech import Speech, SpeechFailed
from workers.media.audio.vad import Edge
from workers.media.core import inputs
from workers.media.models.demo.dialogue import Act, Dialogue, Finish, Speak, UseTool
from workers.media.models.demo.grammar import Grammar, Listener
from workers.media.models.demo.listening import Listening
from workers.media.models.line import CallContext, Capabilities, ModelSink

PROVIDER: Final = "demo"
MODEL: Final = "offline-grammar"
_DECIDED: Final = re.compile(r"The request ([a-z0-9_]+) was (approved|refused|expired)\.")


class Hears(Protocol):
    """Recognisers; see `Ears`."""

    async def learn(self, grammar: Grammar) -> None: ...

    async def hear(self, grammar: Grammar, ulaw: bytes) -> str: ...


class Speaks(Protocol):
    """A synthesizer; raises SpeechFailed."""

    async def synthesize(self, text: str) -> Speech: ...


class DemoLine:
    """One call's session; see `ModelLine`."""

    provider = PROVIDER
    model = MODEL
    capabilities = Capabilities(
        owns_turns=True, truncates=True, speaks_text=False, max_session_s=86_400
    )

    def __init__(self, context: CallContext, sink: ModelSink, ears: Hears, voice: Speaks) -> None:
        self._script: DemoScript | None = context.rulebook.demo
        self._sink = sink
        self._ears = ears
        self._voice = voice
        self._listening = Listening(context.rulebook.endpointing)
        self._tasks: set[asyncio.Task[None]] = set()
        self._reply: asyncio.Task[None] | None = None
        self._active = ""
        self._count = 0
        self._tools: dict[str, str] = {}
        self._cut_off = False
        if self._script is not None:
            self._dialogue = Dialogue(self._script)
            self._listener = Listener(self._script)

    async def open(self, timeout_s: float) -> None:  # noqa: ARG002 - nothing here waits
        """Ready at once; the recogniser learns the first state's grammar meanwhile."""
        if self._script is None:
            self._sink.on_model(inputs.ModelFailed("the rule book has no script for it"))
            return
        self._start(self._ears.learn(self._grammar()))
        self._sink.on_model(inputs.ModelReady(self.provider, self.model))

    def append(self, _payload: bytes, ulaw: bytes) -> None:
        """See `ModelLine.append`."""
        match self._listening.hear(ulaw):
            case Edge.STARTED:
                self._sink.on_model(inputs.ModelSpeechStarted())
            case Edge.ENDED:
                self._start(self._guess())
            case _:
                pass
        if self._listening.over():
            self._turn_over()

    def say(self, _key: str, _text: str) -> bool:
        """Left to the worker's synthesizer."""
        return False

    def create_reply(self, instructions: str) -> None:  # noqa: ARG002 - it follows its script
        """Goes on with the script."""
        self._speak_on()

    def cancel(self, response: str) -> None:
        """Stops a reply that is not complete."""
        if self._reply is not None and response == self._active and not self._reply.done():
            self._reply.cancel()
            self._sink.on_model(inputs.ReplyDone(response, "cancelled"))

    def truncate(self, _item: str, _heard_ms: int) -> None:
        """The caller did not hear all of it: they may want it again."""
        self._cut_off = True

    def answer_tool(self, model_call: str, output: dict[str, Any]) -> None:
        """See `ModelLine.answer_tool`."""
        name = self._tools.pop(model_call, "")
        result = output.get("result")
        outcome = str(output.get("status", ""))
        self._dialogue.answered(name, outcome, result if isinstance(result, dict) else {})

    def tell(self, text: str) -> None:
        """Understands what the core tells of an approval."""
        if found := _DECIDED.match(text):
            self._dialogue.decided(found[1], found[2])

    async def close(self) -> None:
        """Stops everything; nothing is told to the sink about it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _guess(self) -> None:
        version, turn = self._listening.version, self._listening.turn()
        heard = await self._ears.hear(self._grammar(), turn)
        understood = self._listener.understand(self._dialogue.state, heard)
        self._listening.guessed(understood.text, version)
        self._heard = understood
        if self._listening.over():
            self._turn_over()

    def _turn_over(self) -> None:
        text = self._listening.finish()
        self._count += 1
        self._sink.on_model(inputs.ModelSpeechEnded())
        if text:
            self._sink.on_model(inputs.CallerTranscript(f"turn-{self._count}", text))
            self._dialogue.turn(self._heard)
        elif self._cut_off:
            self._dialogue.repeat()
        self._cut_off = False
        self._speak_on()

    def _speak_on(self) -> None:
        if self._reply is not None and not self._reply.done():
            self.cancel(self._active)
        self._count += 1
        self._active = f"reply-{self._count}"
        self._sink.on_model(inputs.ReplyStarted(self._active))
        self._reply = self._start(self._perform(self._active, self._dialogue.run()))

    async def _perform(self, response: str, acts: list[Act]) -> None:
        status = "completed"
        for n, act in enumerate(acts):
            match act:
                case Speak(text):
                    if not await self._speak(response, f"{response}-{n}", text):
                        status = "failed"
                case UseTool(name, arguments):
                    model_call = f"{response}-{name}"
                    self._tools[model_call] = name
                    self._sink.on_model(inputs.ToolRequested(model_call, name, arguments))
                case Finish():
                    pass
        self._sink.on_model(inputs.ReplyDone(response, status))
        if any(isinstance(act, Finish) for act in acts):
            self._sink.on_model(inputs.HangUpAsked("agent"))
        self._start(self._ears.learn(self._grammar()))

    async def _speak(self, response: str, item: str, text: str) -> bool:
        try:
            speech = await self._voice.synthesize(text)
        except SpeechFailed:
            return False
        self._sink.on_model_audio(response, item, speech.ulaw)
        self._sink.on_model(inputs.ReplyText(item, speech.text, speech.word_ends))
        return True

    def _grammar(self) -> Grammar:
        return self._listener.grammar(self._dialogue.state)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
