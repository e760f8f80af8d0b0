"""Words, digits and signs of a text, and the numbers among them, written or spoken.

"forty one eleven", "4111" and "four, one, double one" all read 4111. Decides only what was
said; whether that may be kept is decided elsewhere.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

import msgspec

from callfunnel.domain.redaction.wordlist import listed

_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+|[^\s]")
UNITS: Final = {
    word: str(value)
    for value, words in enumerate(
        (
            ("zero", "oh", "o", "nought", "naught", "nil"),
            *(("one",), ("two",), ("three",), ("four",), ("five",)),
            *(("six",), ("seven",), ("eight",), ("nine", "niner")),
        )
    )
    for word in words
}
TEENS: Final = {
    word: str(value)
    for value, word in enumerate(
        listed("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"),
        start=10,
    )
}
TENS: Final = {
    word: value
    for value, word in enumerate(
        listed("twenty thirty forty fifty sixty seventy eighty ninety"), start=2
    )
} | {"fourty": 4}
REPEATS: Final = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
_SCALES: Final = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
NUMBER_WORDS: Final = frozenset({*UNITS, *TEENS, *TENS})
_BEGINNINGS = NUMBER_WORDS | frozenset(REPEATS)


class Token(msgspec.Struct, frozen=True, gc=False):
    """One word, row of digits or sign. `word` is lower case, and ASCII where it is digits."""

    start: int
    end: int
    word: str


class Number(msgspec.Struct, frozen=True, gc=False):
    """Digits read in one breath: tokens `first` to `last`.

    `single` is a lone digit, `cardinal` a value with hundreds or thousands in words,
    `written` digits in the text itself.
    """

    first: int
    last: int
    digits: str
    single: bool = False
    cardinal: bool = False
    written: bool = False


def tokens(text: str) -> list[Token]:
    """The text in order; white space is left out."""
    return [
        Token(match.start(), match.end(), _plain(match.group())) for match in _TOKEN.finditer(text)
    ]


def numbers(words: list[Token]) -> Iterator[Number]:
    """The numbers of a text, in order, none overlapping."""
    at = 0
    while at < len(words):
        word = words[at].word
        begins = word in _BEGINNINGS or word[0].isdecimal()
        found = _number(words, at) if begins else None
        if found is None:
            at += 1
        else:
            yield found
            at = found.last + 1


def _plain(word: str) -> str:
    if word[0].isdecimal():
        if word.isascii():
            return word
        return "".join(str(unicodedata.decimal(char)) for char in word)
    return word.lower()


def _number(words: list[Token], at: int) -> Number | None:
    word = words[at].word
    if word.isdecimal():
        return Number(at, at, word, single=len(word) == 1, written=True)
    if word in REPEATS:
        return _repeated(words, at, REPEATS[word])
    below = _below_hundred(words, at)
    if below is None:
        return None
    digits, last = below
    if _scale_after(words, last) and not digits.startswith("0"):
        return _cardinal(words, at, int(digits), last)
    return Number(at, last, digits, single=len(digits) == 1)


def _repeated(words: list[Token], at: int, times: int) -> Number | None:
    """Reads `double four`, `triple oh`, `double 4`."""
    if at + 1 >= len(words):
        return None
    word = words[at + 1].word
    digit = UNITS.get(word) or (word if len(word) == 1 and word.isdecimal() else None)
    return Number(at, at + 1, digit * times) if digit else None


def _below_hundred(words: list[Token], at: int) -> tuple[str, int] | None:
    """The digits of a spoken number below a hundred and the index of its last token."""
    word = words[at].word
    if word in UNITS:
        return UNITS[word], at
    if word in TEENS:
        return TEENS[word], at
    if word not in TENS:
        return None
    after = at + 2 if _word(words, at + 1) == "-" else at + 1
    unit = UNITS.get(_word(words, after), "0")
    if unit != "0":
        return f"{TENS[word]}{unit}", after
    return f"{TENS[word]}0", at


def _cardinal(words: list[Token], first: int, value: int, last: int) -> Number:
    """Reads `four thousand one hundred and eleven`: value and extent."""
    total, current = 0, value
    while scale := _scale_after(words, last):
        current *= scale
        last += 1
        if scale >= _SCALES["thousand"]:
            total, current = total + current, 0
        after = last + 2 if _word(words, last + 1) == "and" else last + 1
        below = _below_hundred(words, after) if after < len(words) else None
        if below is None or below[0].startswith("0"):
            break
        current, last = current + int(below[0]), below[1]
    return Number(first, last, str(total + current), cardinal=True)


def _scale_after(words: list[Token], last: int) -> int:
    return _SCALES.get(_word(words, last + 1), 0)


def _word(words: list[Token], at: int) -> str:
    return words[at].word if 0 <= at < len(words) else ""
