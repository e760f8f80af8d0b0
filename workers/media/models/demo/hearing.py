"""The recogniser, a program beside the worker: `python -m workers.media.models.demo.hearing`.

Frames as in `callfunnel.infra.companion`: {grammar, jsgf, words} teaches it a grammar once,
{grammar} with the u-law audio of a whole turn is answered by {heard, score}. Every turn is
decoded from nothing (batch mean normalisation), so no call's voice leaves a trace in another's.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import Any

from pocketsphinx import Config, Decoder, set_loglevel

from callfunnel.infra.companion import Meta, serve
from callfunnel.infra.lexicon import model_folder, pronunciations
from callfunnel.infra.narrowband import RATE, from_ulaw, resample
from workers.media.models.demo.grammar import PHONE_PREFIX, PHONES

_MODEL_RATE = 16000
_GRAMMARS = 64  # more than a few rule books' states: then the decoder starts afresh


class Recogniser:
    """One decoder with one search per grammar."""

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self._begin()

    def _begin(self) -> None:
        self._decoder = _decoder(self._settings)
        self._words: set[str] = set()
        self._grammars: OrderedDict[str, None] = OrderedDict()

    def knows(self, grammar: str) -> bool:
        return grammar in self._grammars

    def learn(self, grammar: str, jsgf: str, words: list[str]) -> None:
        """Adds a grammar. Raises ValueError when it cannot be used."""
        if len(self._grammars) >= _GRAMMARS:
            self._begin()
        sounds = pronunciations(word for word in words if word not in self._words)
        for word, variants in sounds.items():
            for number, phones in enumerate(variants):
                name = word if number == 0 else f"{word}({number + 1})"
                self._decoder.add_word(name, phones, False)
        self._words.update(sounds)
        if missing := set(words) - self._words:
            raise ValueError(f"no pronunciation of {', '.join(sorted(missing))}")
        try:
            self._decoder.add_jsgf_string(grammar, jsgf)
        except RuntimeError as error:
            raise ValueError(f"the grammar cannot be read: {error}") from error
        self._grammars[grammar] = None

    def hear(self, grammar: str, ulaw: bytes) -> tuple[str, int]:
        """The words of one turn, and their score."""
        pcm = resample(from_ulaw(ulaw), RATE, _MODEL_RATE)
        decoder = self._decoder
        decoder.activate_search(grammar)
        decoder.start_utt()
        decoder.process_raw(pcm.tobytes(), False, True)
        decoder.end_utt()
        best = decoder.hyp()
        return (best.hypstr, int(best.best_score)) if best else ("", 0)


def _decoder(settings: dict[str, Any]) -> Decoder:
    set_loglevel("FATAL")
    folder = model_folder() / "en-us"
    config = Config(
        hmm=str(folder), dict=None, lm=None, samprate=_MODEL_RATE, cmn="batch", **settings
    )
    decoder = Decoder(config)
    for phone in PHONES:
        decoder.add_word(PHONE_PREFIX + phone.lower(), phone, False)
    return decoder


def main() -> None:
    """Answers on stdin and stdout until stdin ends."""
    recogniser = Recogniser()

    def answer(asked: Meta, ulaw: bytes) -> tuple[Meta, bytes]:
        grammar = str(asked["grammar"])
        if "jsgf" in asked and not recogniser.knows(grammar):
            recogniser.learn(grammar, str(asked["jsgf"]), list(asked["words"]))
        if not recogniser.knows(grammar):
            return {"unknown": grammar}, b""
        heard, score = recogniser.hear(grammar, ulaw) if ulaw else ("", 0)
        return {"heard": heard, "score": score}, b""

    serve(answer, sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
