"""What can be heard in each state of a script, and what heard words mean. Pure.

The recogniser gets, per state, examples of everything that may be said there; it answers with
words, some of them wrong. The intent is the phrase they fit best, if they fit it well enough.
"""

import hashlib
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from callfunnel.domain import phrases
from callfunnel.domain.rulebook import DemoScript
from workers.media.models.demo.alignment import Fit, Shape
from workers.media.models.demo.sounds import Sounds

EXAMPLES: Final = 60
"""Examples per intent; an intent of the state's own gets OWN times as many."""
OWN: Final = 8
DOUBT: Final = 0.36
"""The most doubt at which a phrase still counts as said (measured, see bench/ears.py)."""
LIGHTEST: Final = 0.2
UNCLEAR: Final = "(unclear)"
_LONGEST: Final = 40
_NOISE: Final = re.compile(r"<.*>|\[.*\]|\+\+.*\+\+")
_ALWAYS_HEARD: Final = phrases.Slot("digits")
"""Numbers read aloud are heard in every state: what is heard can be redacted, a gap cannot."""


class Corpus(Struct, frozen=True):
    """What the recogniser learns for one state; `name` follows from the sentences.

    `words` are those of the whole script, so that another state brings no new ones.
    """

    name: str
    sentences: tuple[str, ...]
    words: tuple[str, ...]


class Understood(Struct, frozen=True):
    """A turn of the caller. `intent` is "" when it fitted nothing; `confidence` in percent.

    `heard` is false when no word was recognised at all; `text` says so then.
    """

    intent: str
    text: str
    confidence: int
    heard: bool = True
    slots: dict[str, str] = {}


class Listener:
    """What one script can hear and understand."""

    def __init__(self, script: DemoScript, sounds: Sounds) -> None:
        self._sounds = sounds
        self._words = tuple(sorted(vocabulary(script)))
        self._phrases = {
            intent: [phrases.parse(text) for text in texts]
            for intent, texts in script.intents.items()
        }
        weights = _weights(self._phrases)
        self._shapes = {
            intent: [Shape(phrase, weights) for phrase in spoken]
            for intent, spoken in self._phrases.items()
        }
        self._own = {name: set(state.on) for name, state in script.states.items()}
        self._heard = {
            name: list(dict.fromkeys([*state.on, *script.always]))
            for name, state in script.states.items()
        }
        self._corpora: dict[str, Corpus] = {}

    @property
    def states(self) -> list[str]:
        """Every state, in the order of the script."""
        return list(self._heard)

    def corpus(self, state: str) -> Corpus:
        """What may be said in a state; the same for the same script."""
        if state not in self._corpora:
            self._corpora[state] = self._make(state)
        return self._corpora[state]

    def understand(self, state: str, heard: str) -> Understood:
        """The intent that the heard words fit best, the earlier one of the state if two do."""
        words = [word for word in heard.split() if not _NOISE.fullmatch(word)]
        if not words:
            return Understood("", UNCLEAR, 0, heard=False)
        text = " ".join(words)
        likely = [self._sounds.like(word) for word in words[:_LONGEST]]
        best, intent = Fit(0.0, 0.0), ""
        for candidate in self._heard[state]:
            fit = max((shape.fit(likely) for shape in self._shapes[candidate]), key=_gain)
            if fit.gain > best.gain:
                best, intent = fit, candidate
        confidence = round(100 * (1 - best.doubt))
        if not intent or best.doubt > DOUBT:
            return Understood("", text, confidence)
        return Understood(intent, text, confidence, slots=self._slots(intent, words))

    def _make(self, state: str) -> Corpus:
        chance = random.Random(0)
        sentences = []
        for intent in self._heard[state]:
            spoken = self._phrases[intent]
            for _ in range(EXAMPLES * (OWN if intent in self._own[state] else 1)):
                phrase = spoken[chance.randrange(len(spoken))]
                sentences.append(" ".join(phrases.example(phrase, chance.randrange)))
        for _ in range(EXAMPLES):
            sentences.append(" ".join(phrases.example(_ALWAYS_HEARD, chance.randrange)))
        digest = hashlib.sha256("\n".join(sentences).encode()).hexdigest()[:16]
        return Corpus(digest, tuple(sentences), self._words)

    def _slots(self, intent: str, words: Sequence[str]) -> dict[str, str]:
        spoken = "".join(f"{word} " for word in words)
        found: dict[str, str] = {}
        for phrase in self._phrases[intent]:
            for name in phrases.slots(phrase):
                match = re.search(r"\b" + phrases.pattern(phrases.Slot(name)), spoken)
                if match:
                    found.setdefault(name, match[0].strip())
        return found


def vocabulary(script: DemoScript) -> set[str]:
    """Every word that may be heard."""
    spoken = [phrases.parse(text) for texts in script.intents.values() for text in texts]
    return {word for phrase in [*spoken, _ALWAYS_HEARD] for word in phrases.words(phrase)}


def _weights(said: Mapping[str, Sequence[phrases.Phrase]]) -> dict[str, float]:
    """A word of one intent weighs 1; of several, its share, but at least LIGHTEST."""
    used = Counter(
        word
        for spoken in said.values()
        for word in {word for phrase in spoken for word in phrases.words(phrase)}
    )
    return {word: max(LIGHTEST, 1 / intents) for word, intents in used.items()}


def _gain(fit: Fit) -> float:
    return fit.gain
