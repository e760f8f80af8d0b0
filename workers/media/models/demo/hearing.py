"""The recogniser, a program beside the worker: `python -m workers.media.models.demo.hearing`.

Frames as in `callfunnel.infra.companion`: {corpus, sentences, words} teaches it once what may be
said, {corpus} with the u-law audio of a whole turn is answered by {heard}. Every turn is decoded
from nothing (batch mean normalisation), so no call's voice leaves a trace in another's.

What sounds like numbers read aloud is heard once more by a decoder that knows nothing but digits:
it gets most of a card number right, where a vocabulary of sentences gets half.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pocketsphinx import Config, Decoder, set_loglevel
from pocketsphinx.lm import ArpaBoLM

from callfunnel.infra.companion import Meta, serve
from callfunnel.infra.lexicon import model_folder, pronunciations
from callfunnel.infra.narrowband import RATE, Pcm, from_ulaw, resample

_MODEL_RATE = 16000
_CORPORA = 64  # more than a few rule books' states: then the decoder starts afresh
_DISCOUNT = 0.02  # little room for sequences that are in no example
_LANGUAGE_WEIGHT = 9.0
_WORD_PENALTY = 0.2
_PEAK, _HISS, _PAUSE = 12_000, 30, RATE // 5
_DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "oh"]
_LEAD = "my the card account number is"
_NUMBER = "number"
_READ_ALOUD = 4  # fewer digits are a time, not a number
_DIGIT_HISS, _DIGIT_LANGUAGE_WEIGHT, _DIGIT_PENALTY = 200, 3.0, 1e-4


class Recogniser:
    """A decoder with one language model per corpus, and one for digits."""

    def __init__(self) -> None:
        self._digits = _digits()
        self._begin({})

    def knows(self, corpus: str) -> bool:
        return corpus in self._corpora

    def learn(self, corpus: str, sentences: Sequence[str], words: Sequence[str]) -> None:
        """Adds a corpus. Raises ValueError for a word that has no pronunciation."""
        if new := set(words) - self._sounds.keys():
            sounds = pronunciations(new)
            if missing := new - sounds.keys():
                raise ValueError(f"no pronunciation of {', '.join(sorted(missing))}")
            # Models made before a word was added do not fit the dictionary any more.
            self._begin({**self._sounds, **sounds})
        elif len(self._corpora) >= _CORPORA:
            self._begin(self._sounds)
        self._model(corpus, sentences)
        self._corpora.add(corpus)

    def hear(self, corpus: str, ulaw: bytes) -> str:
        """The words of one turn, "" when there are none."""
        pcm = from_ulaw(ulaw)
        heard = _decode(self._decoder, corpus, pcm, _HISS)
        if sum(word in _DIGITS for word in heard.split()) < _READ_ALOUD:
            return heard
        return _decode(self._digits, _NUMBER, pcm, _DIGIT_HISS) or heard

    def _begin(self, sounds: Mapping[str, Sequence[str]]) -> None:
        self._decoder = _decoder(lw=_LANGUAGE_WEIGHT, wip=_WORD_PENALTY)
        _teach(self._decoder, sounds)
        self._sounds = dict(sounds)
        self._corpora: set[str] = set()

    def _model(self, corpus: str, sentences: Sequence[str]) -> None:
        text = "\n".join(f"<s> {sentence} </s>" for sentence in sentences)
        model = ArpaBoLM(text=text, discount_mass=_DISCOUNT)
        model.compute()
        with tempfile.TemporaryDirectory(prefix="callfunnel-ears-") as folder:
            path = Path(folder) / "model.arpa"
            model.write_file(str(path))
            self._decoder.add_lm_file(corpus, str(path))


def _decoder(**settings: float) -> Decoder:
    set_loglevel("FATAL")
    folder = str(model_folder() / "en-us")
    return Decoder(
        Config(hmm=folder, dict=None, lm=None, samprate=_MODEL_RATE, cmn="batch", **settings)
    )


def _digits() -> Decoder:
    decoder = _decoder(lw=_DIGIT_LANGUAGE_WEIGHT, wip=_DIGIT_PENALTY)
    _teach(decoder, pronunciations([*_DIGITS, *_LEAD.split()]))
    weighed = " | ".join(f"/{1 if word == 'oh' else 50}/ {word}" for word in _DIGITS)
    decoder.add_jsgf_string(
        _NUMBER,
        f"#JSGF V1.0;\ngrammar number;\n<digit> = {weighed};\n"
        "<lead> = [ my | the ] [ card | account ] number is | my card is;\n"
        "public <number> = [ <lead> ] <digit>+;\n",
    )
    return decoder


def _teach(decoder: Decoder, sounds: Mapping[str, Sequence[str]]) -> None:
    for word, variants in sounds.items():
        for number, phones in enumerate(variants, 1):
            decoder.add_word(word if number == 1 else f"{word}({number})", phones, False)


def _decode(decoder: Decoder, search: str, pcm: Pcm, hiss: int) -> str:
    wide = resample(_steady(pcm, hiss), RATE, _MODEL_RATE)
    decoder.activate_search(search)
    with warnings.catch_warnings():
        # Called unnecessary, yet nothing else forgets the noise of the turn before.
        warnings.simplefilter("ignore", DeprecationWarning)
        decoder.start_stream()
    decoder.start_utt()
    decoder.process_raw(wide.tobytes(), False, True)
    decoder.end_utt()
    best = decoder.hyp()
    return best.hypstr if best else ""


def _steady(pcm: Pcm, hiss: int) -> Pcm:
    """The turn at one loudness between two pauses, over a faint hiss: digital silence is like
    nothing the model knows, and its mean would be subtracted from the speech."""
    pcm = np.pad(pcm, _PAUSE)
    loudest = int(np.abs(pcm.astype(np.int32)).max(initial=1))
    noise = np.random.default_rng(0).normal(0, hiss, len(pcm))
    steady: Pcm = np.rint(pcm * (_PEAK / loudest) + noise).astype(np.int16)
    return steady


def main() -> None:
    """Answers on stdin and stdout until stdin ends."""
    recogniser = Recogniser()

    def answer(asked: Meta, ulaw: bytes) -> tuple[Meta, bytes]:
        corpus = str(asked["corpus"])
        if "sentences" in asked and not recogniser.knows(corpus):
            recogniser.learn(corpus, asked["sentences"], asked["words"])
        if not recogniser.knows(corpus):
            return {"unknown": corpus}, b""
        return {"heard": recogniser.hear(corpus, ulaw) if ulaw else ""}, b""

    serve(answer, sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
