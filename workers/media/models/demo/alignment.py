"""How close heard words are to a phrase: the cheapest way to read them as it. Pure.

The recogniser mishears single words, and people say more than a phrase holds. So a phrase becomes
a small automaton, and the heard words are aligned with it: words before and after cost little,
wrong, missing and extra words inside cost as much as a right one gains. Words that tell intents
apart weigh more than those that all of them use.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from callfunnel.domain import phrases

AROUND: Final = 0.3
EXTRA: Final = 0.5


class Fit(Struct, frozen=True):
    """The weight of the words that were heard right; the rest costs. `gain` orders fits."""

    right: float
    cost: float

    @property
    def gain(self) -> float:
        return self.right - self.cost

    @property
    def doubt(self) -> float:
        """From 0 (every word as written) to 1."""
        total = self.right + self.cost
        return self.cost / total if total else 1.0


Column = list[Fit | None]


class Shape:
    """A phrase as an automaton: edges between numbered places, each a word or nothing."""

    def __init__(self, phrase: phrases.Phrase, weights: Mapping[str, float]) -> None:
        self._weights = weights
        self._words: list[tuple[int, int, str, float]] = []
        self._free: list[tuple[int, int]] = []
        self._places = 1
        self._end = self._build(phrase, 0)

    def fit(self, heard: Sequence[Mapping[str, float]]) -> Fit:
        """The best alignment of all the heard words with the whole phrase.

        A heard word is given as everything it sounds like, up to 1.0 for itself.
        """
        column: Column = [None] * self._places
        column[0] = Fit(0.0, 0.0)
        self._skip(column)
        for word in heard:
            column = self._hear(column, word)
        return column[self._end] or Fit(0.0, float(len(heard)))

    def _build(self, phrase: phrases.Phrase, start: int) -> int:
        match phrase:
            case phrases.Word(text):
                end = self._place()
                self._words.append((start, end, text, self._weights.get(text, 1.0)))
                return end
            case phrases.Slot(name, more):
                end = self._build(phrases.SLOT_PHRASES[name], start)
                if more:
                    self._free.append((end, start))
                return end
            case phrases.Sequence(parts):
                for part in parts:
                    start = self._build(part, start)
                return start
            case phrases.Choice(options, optional):
                ends = [self._build(option, start) for option in options]
                join = self._place()
                self._free += [(end, join) for end in ends]
                if optional:
                    self._free.append((start, join))
                return join

    def _place(self) -> int:
        self._places += 1
        return self._places - 1

    def _hear(self, column: Column, word: Mapping[str, float]) -> Column:
        following: Column = [None] * self._places
        for place, fit in enumerate(column):
            if fit is not None:
                price = AROUND if place in (0, self._end) else EXTRA
                _better(following, place, Fit(fit.right, fit.cost + price))
        for start, end, expected, weight in self._words:
            fit = column[start]
            if fit is not None:
                like = word.get(expected, 0.0)
                price = (1 - like) * max(weight, EXTRA)
                _better(following, end, Fit(fit.right + like * weight, fit.cost + price))
        self._skip(following)
        return following

    def _skip(self, column: Column) -> None:
        """Follows what needs no word: free edges, and words that were not said."""
        moved = True
        while moved:
            moved = False
            for start, end in self._free:
                fit = column[start]
                moved |= fit is not None and _better(column, end, fit)
            for start, end, _, weight in self._words:
                fit = column[start]
                if fit is not None:
                    moved |= _better(column, end, Fit(fit.right, fit.cost + weight))


def _better(column: Column, place: int, fit: Fit) -> bool:
    known = column[place]
    if known is not None and known.gain >= fit.gain:
        return False
    column[place] = fit
    return True
