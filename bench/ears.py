"""How well the offline agent hears: every intent of the demo, several voices, telephone quality.

A figure per intent and per voice, for speech that means nothing to it, for card numbers, and the
time it takes. Synthetic voices are harder than people for a recogniser that was trained on people:
these figures are a floor to compare changes by.
"""

from __future__ import annotations

import difflib
import time
from collections import Counter
from pathlib import Path

import msgspec
from ruamel.yaml import YAML

from bench.harness.figures import percentile
from bench.harness.run import Run
from callfunnel.domain.rulebook import Rulebook
from callfunnel.infra.espeak import Voice
from workers.media.models.demo.ears import listener
from workers.media.models.demo.hearing import Recogniser

STORY = Path(__file__).parent.parent / "callfunnel/local/demo/home-internet.yaml"
VOICES = (
    *(("en-us", 165), ("en-us", 140), ("en-us", 190), ("en-us+f3", 165), ("en-us+m3", 185)),
    *(("en-us+f2", 150), ("en", 160), ("en+f2", 160)),
)
# State, what is said, the intent it should be.
SAID = (
    ("main", "why is my bill so high", "bill_question"),
    ("main", "why did my bill go up", "bill_question"),
    ("main", "i have a question about my bill", "bill_question"),
    ("main", "hello, why is my last bill so expensive", "bill_question"),
    ("main", "well, my bill went up this month", "bill_question"),
    ("main", "i want to cancel my contract", "cancel"),
    ("main", "i would like to cancel my internet", "cancel"),
    ("main", "then i want to cancel", "cancel"),
    ("main", "please cancel my contract", "cancel"),
    ("main", "can i speak to a person", "person"),
    ("main", "i want to talk to a human", "person"),
    ("main", "can you call me back", "call_back"),
    ("leaving", "call me back", "call_back"),
    ("big_offer", "yes", "yes"),
    ("big_offer", "yes please", "yes"),
    ("big_offer", "okay", "yes"),
    ("big_offer", "yes, that would be great", "yes"),
    ("big_offer", "no", "no"),
    ("small_offer", "no thanks", "no"),
    ("callback", "tomorrow at three", "when_day_and_time"),
    ("callback", "on monday at ten in the morning", "when_day_and_time"),
    ("callback", "friday afternoon", "when_day_and_time"),
    ("callback", "on tuesday", "when_day"),
    ("callback_time", "at three thirty", "when_time"),
    ("waiting", "is there any news", "news"),
    ("main", "goodbye", "goodbye"),
    ("main", "that is all thank you", "nothing_else"),
    ("main", "thank you very much", "thanks"),
    ("main", "what can you do for me", "help"),
    ("main", "could you repeat that please", "again"),
    ("main", "hello", "hello"),
)
MEANINGLESS = (
    ("main", "the weather is nice in paris today"),
    ("main", "my dog ate the remote control"),
    ("big_offer", "the quick brown fox jumps over the lazy dog"),
    ("main", "do you sell pizza with mushrooms"),
    ("callback", "i have no idea what you mean"),
    ("big_offer", "perhaps i should ask my wife"),
    ("main", "where is the nearest train station"),
    ("waiting", "my router is broken since yesterday evening"),
)
CARDS = (
    "four one one one, one one one one, one one one one, one one one one",
    "five five five five, five five five five, five five five five, four four four four",
    "four two four two, four two four two, four two four two, four two four two",
    "three seven eight two, eight two two four, six three one, zero zero zero five",
)


class Bench:
    """One recogniser that has learnt the demo's rule book."""

    def __init__(self) -> None:
        book = msgspec.convert(YAML(typ="safe").load(STORY.read_text()), Rulebook)
        self.listener = listener(msgspec.msgpack.encode(book.demo))
        self.recogniser = Recogniser()
        self.voice = Voice()
        self.times: list[float] = []
        for state in self.listener.states:
            corpus = self.listener.corpus(state)
            self.recogniser.learn(corpus.name, corpus.sentences, corpus.words)

    def hear(self, state: str, text: str, voice: str, rate: int) -> str:
        ulaw, _ = self.voice.speak(text, voice, rate)
        began = time.perf_counter()
        heard = self.recogniser.hear(self.listener.corpus(state).name, ulaw)
        self.times.append(time.perf_counter() - began)
        return heard

    def intent(self, state: str, text: str, voice: str, rate: int) -> str:
        return self.listener.understand(state, self.hear(state, text, voice, rate)).intent


def intents(run: Run, bench: Bench, voices: tuple[tuple[str, int], ...]) -> None:
    asked: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for voice, rate in voices:
        for state, text, wanted in SAID:
            hit = bench.intent(state, text, voice, rate) == wanted
            for key in ("all intents", wanted, f"{voice} at {rate}"):
                asked[key] += 1
                right[key] += hit
    for key in asked:
        run.figure(key, 100 * right[key] / asked[key], "%")


def meaningless(bench: Bench, voices: tuple[tuple[str, int], ...]) -> float:
    """Percent of meaningless sentences that are asked again."""
    taken = [
        bool(bench.intent(state, text, voice, rate))
        for voice, rate in voices
        for state, text in MEANINGLESS
    ]
    return 100 - 100 * sum(taken) / len(taken)


def digits(bench: Bench, voices: tuple[tuple[str, int], ...]) -> float:
    """Percent of spoken card digits that were heard, in order."""
    right = asked = 0
    for voice, rate in voices:
        for text in CARDS:
            wanted = text.replace(",", "").split()
            heard = bench.hear("main", text, voice, rate).split()
            blocks = difflib.SequenceMatcher(None, wanted, heard, autojunk=False)
            right += sum(block.size for block in blocks.get_matching_blocks())
            asked += len(wanted)
    return 100 * right / asked


def measure(run: Run) -> None:
    voices = VOICES[:1] if run.quick else VOICES
    bench = Bench()
    intents(run, bench, voices)
    run.figure("meaningless, asked again", meaningless(bench, voices), "%")
    run.figure("digits of card numbers", digits(bench, voices), "%")
    run.figure("decoding, p50", 1000 * percentile(bench.times, 0.5), "ms")
    run.figure("decoding, p95", 1000 * percentile(bench.times, 0.95), "ms")
