"""What the agent has to say or ask of the model once it may: fixed sentences and an owed reply.

`PROMPT` sentences follow at once when no reply is active; `GAP` sentences wait until nobody
speaks and the agent's turn is over, but not longer for a caller's noise than `PATIENCE_S`.
"""

import enum
from typing import Final

from msgspec import Struct

PATIENCE_S: Final = 4.0


class When(enum.Enum):
    """How urgent a sentence is."""

    PROMPT = "prompt"
    GAP = "gap"


class Sentence(Struct, frozen=True):
    """A sentence to be said. `about` names what it belongs to (an approval), or nothing."""

    kind: str
    text: str
    when: When
    about: str
    since: float


class Agenda:
    """Sentences in order, and whether the model owes a reply to what it was told."""

    def __init__(self) -> None:
        self.reply_owed = False
        self._sentences: list[Sentence] = []
        self._saying: dict[str, Sentence] = {}
        self._said = 0

    def add(self, kind: str, text: str, when: When, now: float, about: str = "") -> None:
        """Puts a sentence at the end."""
        self._sentences.append(Sentence(kind, text, when, about, now))

    def drop(self, kind: str, about: str = "") -> None:
        """Takes back sentences of a kind (about one thing) that were not said yet."""
        self._sentences = [
            s for s in self._sentences if s.kind != kind or (about and s.about != about)
        ]

    def take(self, gap: bool) -> Sentence | None:
        """The next sentence that may be said; `gap`: the agent's turn is over, too."""
        for sentence in self._sentences:
            if sentence.when is When.PROMPT or gap:
                self._sentences.remove(sentence)
                return sentence
        return None

    def saying(self, sentence: Sentence) -> str:
        """The sentence is being said; returns the key to say it under."""
        self._said += 1
        key = f"say-{self._said}-{sentence.kind}"
        self._saying[key] = sentence
        return key

    def said(self, key: str) -> None:
        """The caller heard some of it, or it cannot be said."""
        self._saying.pop(key, None)

    def unheard(self, key: str) -> None:
        """It was stopped before the caller heard any of it: what matters is said later."""
        sentence = self._saying.pop(key, None)
        if sentence is not None and sentence.about:
            self._sentences.insert(0, sentence)

    def impatient(self, now: float) -> bool:
        """Has a sentence waited so long that a noisy line no longer holds it back?"""
        return any(now >= s.since + PATIENCE_S for s in self._sentences)

    def deadline(self, now: float) -> float | None:
        """When the next sentence loses its patience."""
        ends = (s.since + PATIENCE_S for s in self._sentences)
        return min((end for end in ends if end > now), default=None)

    def empty(self) -> bool:
        """Nothing is left to say or to ask."""
        return not self._sentences and not self.reply_owed

    def clear(self) -> None:
        """Nothing of it will be said."""
        self._sentences.clear()
        self.reply_owed = False
