"""Phrases: how a rule book writes down what callers say to the offline agent.

A phrase is words, `[optional words]`, `(one | or the other)` and `<slots>`:
`why is my [last] bill so (high | expensive)`. A slot is one of SLOTS: a small language of its own
whose value the dialogue can use. From the same phrase come the examples that the recogniser's
language model is made of and the shape that heard words are compared with.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

_DAYS = "monday tuesday wednesday thursday friday saturday sunday"
_HOURS = "one two three four five six seven eight nine ten eleven twelve"


def _any(words: str) -> str:
    return f"({' | '.join(words.split())})"


SLOTS: Final[dict[str, str]] = {
    "day": f"[next | this] {_any(_DAYS)} | today | tomorrow | the day after tomorrow",
    "time": f"{_any(_HOURS)} [o'clock | thirty | fifteen | forty five]"
    " [a.m. | p.m. | in the morning | in the afternoon | in the evening]"
    " | (morning | afternoon | evening | noon)",
    "digits": "<digit> <digit> <digit>+",
    "digit": "zero | oh | one | two | three | four | five | six | seven | eight | nine",
}
"""The slots a phrase may use, as phrases. `+` (one or more) is theirs alone: `digits` is three or
more numbers in a row, which is how a card or account number is read aloud."""

REPEATS: Final = 14
"""An example repeats what may follow itself at most this often: with two digits before, a card."""
PHRASE_LIMIT: Final = 400
DEPTH_LIMIT: Final = 6
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<word>[a-z][a-z.'-]*)|<(?P<slot>[a-z]+)>(?P<more>\+?)|(?P<mark>[][()|]))"
)


class Word(Struct, frozen=True):
    """One word, as the dictionary spells it."""

    text: str


class Slot(Struct, frozen=True):
    """A part that can be many things; `more` allows it to follow itself."""

    name: str
    more: bool = False


class Sequence(Struct, frozen=True):
    """Parts, one after the other."""

    parts: "tuple[Phrase, ...]"


class Choice(Struct, frozen=True):
    """One of several; `optional` allows none."""

    options: "tuple[Phrase, ...]"
    optional: bool = False


Phrase = Word | Slot | Sequence | Choice


class PhraseError(ValueError):
    """A phrase that cannot be read; the text says why."""


def parse(text: str) -> Phrase:
    """The phrase written as `text`. Raises PhraseError."""
    return _parsed(text, may_repeat=False)


def _parsed(text: str, *, may_repeat: bool) -> Phrase:
    if len(text) > PHRASE_LIMIT:
        raise PhraseError(f"a phrase is at most {PHRASE_LIMIT} characters")
    reader = _Reader(text, may_repeat=may_repeat)
    phrase = reader.choice(0)
    if reader.mark:
        raise PhraseError(f"{reader.mark!r} closes nothing")
    if _may_be_empty(phrase):
        raise PhraseError("at least one word must be said: not everything can be optional")
    return phrase


def words(phrase: Phrase) -> Iterator[str]:
    """Every word that can occur in a phrase, those of its slots included."""
    match phrase:
        case Word(text):
            yield text
        case Slot(name):
            yield from words(SLOT_PHRASES[name])
        case Sequence(parts) | Choice(parts):
            for part in parts:
                yield from words(part)


def example(phrase: Phrase, choose: Callable[[int], int]) -> Iterator[str]:
    """The words of one way to say a phrase. `choose(n)` gives one of 0..n-1 at every fork."""
    match phrase:
        case Word(text):
            yield text
        case Slot(name, more):
            for _ in range(1 + choose(REPEATS) if more else 1):
                yield from example(SLOT_PHRASES[name], choose)
        case Sequence(parts):
            for part in parts:
                yield from example(part, choose)
        case Choice(options, optional):
            chosen = choose(2 * len(options)) if optional else choose(len(options))
            if chosen < len(options):
                yield from example(options[chosen], choose)


def pattern(phrase: Phrase) -> str:
    """The phrase as a regular expression over words that are each followed by one space.

    For slots: what anybody may write could keep a regular expression busy for ever.
    """
    match phrase:
        case Word(text):
            return re.escape(text) + " "
        case Slot(name, more):
            return f"(?:{pattern(SLOT_PHRASES[name])}){'+' if more else ''}"
        case Sequence(parts):
            return "".join(pattern(part) for part in parts)
        case Choice(options, optional):
            inside = "|".join(pattern(option) for option in options)
            return f"(?:{inside}){'?' if optional else ''}"


def slots(phrase: Phrase) -> Iterator[str]:
    """The names of the slots a phrase uses."""
    match phrase:
        case Slot(name):
            yield name
        case Sequence(parts) | Choice(parts):
            for part in parts:
                yield from slots(part)


def _may_be_empty(phrase: Phrase) -> bool:
    match phrase:
        case Word() | Slot():
            return False
        case Sequence(parts):
            return all(_may_be_empty(part) for part in parts)
        case Choice(options, optional):
            return optional or any(_may_be_empty(option) for option in options)


class _Reader:
    """Recursive descent over the tokens of one phrase; `mark` is the bracket that ended a part."""

    def __init__(self, text: str, *, may_repeat: bool) -> None:
        self._text, self._at = text.rstrip(), 0
        self._may_repeat = may_repeat
        self.mark = ""

    def choice(self, depth: int, *, optional: bool = False) -> Phrase:
        if depth > DEPTH_LIMIT:
            raise PhraseError(f"brackets are nested more than {DEPTH_LIMIT} deep")
        options = [self._sequence(depth)]
        while self.mark == "|":
            options.append(self._sequence(depth))
        if len(options) == 1 and not optional:
            return options[0]
        return Choice(tuple(options), optional)

    def _sequence(self, depth: int) -> Phrase:
        parts: list[Phrase] = []
        self.mark = ""
        while self._at < len(self._text):
            token = _TOKEN.match(self._text, self._at)
            if token is None:
                raise PhraseError(_unreadable(self._text[self._at :].lstrip()))
            self._at = token.end()
            if token["mark"] and token["mark"] not in "([":
                self.mark = token["mark"]
                break
            parts.append(self._part(token, depth))
        if not parts:
            raise PhraseError("there is nothing between two signs, or in the whole phrase")
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _part(self, token: re.Match[str], depth: int) -> Phrase:
        if token["word"]:
            return Word(token["word"])
        if token["more"] and not self._may_repeat:
            raise PhraseError(f"<{token['slot']}>+: only <digits> is said in a row, and without +")
        if token["slot"]:
            return _slot(token["slot"], more=bool(token["more"]))
        opened = token["mark"]
        inside = self.choice(depth + 1, optional=opened == "[")
        if self.mark != {"(": ")", "[": "]"}[opened]:
            raise PhraseError(f"{opened!r} is never closed")
        self.mark = ""
        return inside


def _slot(name: str, *, more: bool) -> Phrase:
    if name not in SLOTS:
        raise PhraseError(f"no slot <{name}>; there are {', '.join(f'<{each}>' for each in SLOTS)}")
    return Slot(name, more)


def _unreadable(rest: str) -> str:
    if rest[0].isdigit():
        return f"{rest.split()[0]!r}: write numbers as words, as they are spoken"
    if rest[0].isupper():
        return f"{rest.split()[0]!r}: write words in lower case"
    return f"{rest[0]!r} has no meaning in a phrase"


SLOT_PHRASES: Final[dict[str, Phrase]] = {
    name: _parsed(text, may_repeat=True) for name, text in SLOTS.items()
}
