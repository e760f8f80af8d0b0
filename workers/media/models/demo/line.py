"""The offline agent as a model's line: ears, a script for a brain, and espeak-ng's voice.

It owns turn-taking, and like any model it speaks first what it is told to say, then its replies.
"""

import asyncio
import re
from typing import Any, Final, Protocol

import msgspec

from callfunnel.infra.tasks import Tasks
from workers.media.core import inputs
from workers.media.models.demo.dialogue import Dialogue, Finish, Speak, UseTool
from workers.media.models.demo.ears import listener
from workers.media.models.demo.listener import Corpus, Listener, Understood
from workers.media.models.demo.listening import Heard, Listening
from workers.media.models.demo.mouth import Mouth, Sentence, Speaks, Utterance
from workers.media.models.line import CallContext, Capabilities, ModelSink

PROVIDER: Final = "demo"
MODEL: Final = "offline"
_DECIDED: Final = re.compile(r"The request ([a-z0-9_]+) was (approved|refused|expired)\.")


class Hears(Protocol):
    """Recognisers; see `Ears`."""

    async def learn(self, corpus: Corpus) -> None: ...

    async def hear(self, corpus: Corpus, ulaw: bytes) -> str: ...


class DemoLine:
    """One call's session; see `ModelLine`."""

    provider = PROVIDER
    model = MODEL
    capabilities = Capabilities(
        owns_turns=True, truncates=True, speaks_text=True, max_session_s=86_400
    )

    def __init__(self, context: CallContext, sink: ModelSink, ears: Hears, voice: Speaks) -> None:
        self._rulebook = context.rulebook
        self._sink = sink
        self._ears = ears
        self._listening = Listening(context.rulebook.endpointing)
        self._mouth = Mouth(voice, sink)
        self._tasks = Tasks(call=context.call)
        self._dialogue: Dialogue | None = None
        self._listener: Listener
        self._understood: Understood
        self._turns = self._replies = 0
        self._tools: dict[str, str] = {}
        self._cut_off = False

    async def open(self, timeout_s: float) -> None:  # noqa: ARG002 - nothing here waits long
        """Ready once the script is read; the recogniser learns meanwhile what may be said."""
        script = self._rulebook.demo
        if script is None:
            self._sink.on_model(inputs.ModelFailed("the rule book has no demo script"))
            return
        self._listener = await asyncio.to_thread(listener, msgspec.msgpack.encode(script))
        self._dialogue = Dialogue(script)
        self._tasks.start(self._learn_all())
        self._sink.on_model(inputs.ModelReady(self.provider, self.model))

    def append(self, _payload: bytes, ulaw: bytes) -> None:
        """See `ModelLine.append`."""
        if self._dialogue is None:
            return
        match self._listening.hear(ulaw):
            case Heard.SPEECH:
                self._turns += 1
                self._sink.on_model(inputs.ModelSpeechStarted(self._item()))
            case Heard.GUESS:
                self._tasks.start(self._guess(self._listening.version))
            case Heard.NOTHING:
                pass
        if self._listening.over():
            self._turn_over()

    def say(self, key: str, text: str) -> bool:
        """See `ModelLine.say`."""
        if self._dialogue is None:
            return False
        self._mouth.utter(Utterance(key, (Sentence(key, text),)))
        return True

    def create_reply(self, instructions: str) -> None:  # noqa: ARG002 - it follows its script
        """Goes on with the script."""
        if self._dialogue is not None:
            self._reply(self._dialogue)

    def cancel(self, response: str) -> None:
        """See `ModelLine.cancel`."""
        self._mouth.cancel(response)

    def truncate(self, _item: str, _heard_ms: int) -> None:
        """The caller did not hear all of it: they may want it again."""
        self._cut_off = True

    def answer_tool(self, model_call: str, output: dict[str, Any]) -> None:
        """See `ModelLine.answer_tool`."""
        name, result = self._tools.pop(model_call, None), output.get("result")
        if self._dialogue is not None and name is not None:
            outcome = str(output.get("status", ""))
            self._dialogue.answered(name, outcome, result if isinstance(result, dict) else {})

    def tell(self, text: str) -> None:
        """Understands what the core tells of an approval."""
        if self._dialogue is not None and (found := _DECIDED.match(text)):
            self._dialogue.decided(found[1], found[2])

    async def close(self) -> None:
        """Stops everything; nothing is told to the sink about it."""
        self._dialogue = None
        await self._mouth.close()
        await self._tasks.end()

    async def _learn_all(self) -> None:
        """The state the call is in first; the others while the caller listens."""
        for state in self._listener.states:
            corpus = await asyncio.to_thread(self._listener.corpus, state)
            await self._ears.learn(corpus)

    async def _guess(self, version: int) -> None:
        if self._dialogue is None:
            return
        state = self._dialogue.state
        heard = await self._ears.hear(self._listener.corpus(state), self._listening.turn())
        # A long turn takes 50 ms to compare with every phrase: other calls speak meanwhile.
        understood = await asyncio.to_thread(self._listener.understand, state, heard)
        if self._listening.guessed(understood.text, version):
            self._understood = understood
            if self._listening.over():
                self._turn_over()

    def _turn_over(self) -> None:
        lasting, understood = self._listening.lasting, self._understood
        self._listening.finish()
        dialogue = self._dialogue
        if dialogue is None or not (lasting or understood.intent):
            return  # a noise: nobody was told that it began
        if not lasting:
            self._turns += 1
            self._sink.on_model(inputs.ModelSpeechStarted(self._item()))
        self._sink.on_model(inputs.ModelSpeechEnded(self._item()))
        self._sink.on_model(
            inputs.CallerTranscript(self._item(), understood.text, understood.confidence)
        )
        if self._cut_off and not understood.heard:
            dialogue.repeat()
        else:
            dialogue.turn(understood)
        self._cut_off = False
        self._reply(dialogue)

    def _reply(self, dialogue: Dialogue) -> None:
        self._replies += 1
        response = f"reply-{self._replies}"
        sentences: list[Sentence] = []
        tool = after = None
        for act in dialogue.run():
            match act:
                case Speak(text):
                    sentences.append(Sentence(f"{response}-{len(sentences)}", text))
                case UseTool(name, arguments):
                    model_call = f"{response}-{name}"
                    self._tools[model_call] = name
                    tool = inputs.ToolRequested(model_call, name, arguments)
                case Finish():
                    after = inputs.HangUpAsked("agent")
        self._mouth.utter(Utterance(response, tuple(sentences), tool, after))

    def _item(self) -> str:
        return f"turn-{self._turns}"
