"""The recognisers of a worker: programs beside it, shared by its calls, each busy with one turn.

A second one is started when the first is busy; beyond that a turn waits. A recogniser that is new
is taught what may be said with the question.
"""

import contextlib
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from callfunnel.domain.rulebook import DemoScript
from callfunnel.infra.companion import Companion, CompanionFailed, module
from callfunnel.infra.lexicon import pronunciations
from workers.media.models.demo.listener import Corpus, Listener, vocabulary
from workers.media.models.demo.sounds import Sounds

_PROGRAM = module("workers.media.models.demo.hearing")
_DEADLINE_S = 6.0
_MOST = 2


@lru_cache(maxsize=32)
def listener(script: bytes) -> Listener:
    """The listener of a script (as msgpack), shared by all its calls. Reads the dictionary once."""
    decoded = msgspec.msgpack.decode(script, type=DemoScript)
    return Listener(decoded, Sounds(pronunciations(vocabulary(decoded))))


class Ears:
    """Hears turns."""

    def __init__(self, program: Sequence[str] = _PROGRAM, most: int = _MOST) -> None:
        self._program = program
        self._most = most
        self._programs: list[Companion] = []

    async def start(self) -> None:
        """Has the first recogniser loaded before it is needed."""
        with contextlib.suppress(CompanionFailed):
            await self._free().ask({"corpus": ""})

    async def learn(self, corpus: Corpus) -> None:
        """Has a recogniser ready that knows the corpus; what cannot be learnt is not heard."""
        await self.hear(corpus, b"")

    async def hear(self, corpus: Corpus, ulaw: bytes) -> str:
        """The words of a whole turn; "" when nothing was recognised or no recogniser works."""
        recogniser = self._free()
        question = {"corpus": corpus.name}
        try:
            answer, _ = await recogniser.ask(question, ulaw)
            if "unknown" in answer:
                taught = {**question, "sentences": corpus.sentences, "words": corpus.words}
                answer, _ = await recogniser.ask(taught, ulaw)
        except CompanionFailed:
            return ""
        return str(answer.get("heard", ""))

    async def close(self) -> None:
        """Ends the recognisers."""
        for recogniser in self._programs:
            await recogniser.close()

    def _free(self) -> Companion:
        for recogniser in self._programs:
            if not recogniser.busy:
                return recogniser
        if len(self._programs) < self._most:
            self._programs.append(Companion(self._program, _DEADLINE_S))
            return self._programs[-1]
        self._programs.append(self._programs.pop(0))  # take turns
        return self._programs[-1]
