"""Codes of letters and digits: IBANs and national insurance numbers, written or spelled out.

"GB82 WEST 1234...", "g b eight two w e s t ..." and "golf bravo eight two ..." are the same code.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from callfunnel.domain.redaction.checks import IBAN_LENGTHS, is_iban, is_nino
from callfunnel.domain.redaction.finding import Finding, Kind
from callfunnel.domain.redaction.tokens import Number, Token
from callfunnel.domain.redaction.wordlist import listed

ALPHABET: Final = {
    word: word[0]
    for word in listed(
        "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november "
        "oscar papa quebec romeo sierra tango uniform victor whiskey xray yankee zulu"
    )
} | {"alfa": "a", "juliett": "j", "whisky": "w"}
_IBAN = re.compile(r"(?<![^\W_])[A-Za-z]{2}\d{2}(?:[ .\-]?[A-Za-z0-9]){11,30}", re.ASCII)
_NINO = re.compile(r"(?<![^\W_])[A-Za-z]{2}(?:[ \-]?\d{2}){3}[ \-]?[A-Da-d](?![^\W_])", re.ASCII)
_SHORTEST = 9
_BETWEEN = frozenset("-.,")


def code_findings(text: str, words: list[Token], found: Sequence[Number]) -> Iterator[Finding]:
    """IBANs and NINOs; `found` are the numbers among the words."""
    yield from _written(text)
    yield from _spelled(words, found)


def _written(text: str) -> Iterator[Finding]:
    for match in _IBAN.finditer(text):
        found = _longest_iban(text, match.start(), match.end())
        if found is not None:
            yield found
    for match in _NINO.finditer(text):
        value = re.sub(r"[ \-]", "", match.group()).upper()
        if is_nino(value):
            yield Finding(match.start(), match.end(), Kind.NINO, value)


def _longest_iban(text: str, start: int, end: int) -> Finding | None:
    """The pattern also swallows words that follow; the checksum says where the IBAN ends."""
    for stop in range(end, start + IBAN_LENGTHS.start - 1, -1):
        inside = stop < len(text) and text[stop].isalnum()
        value = re.sub(r"[ .\-]", "", text[start:stop]).upper()
        if text[stop - 1].isalnum() and not inside and is_iban(value):
            return Finding(start, stop, Kind.IBAN, value)
    return None


def _spelled(words: list[Token], found: Sequence[Number]) -> Iterator[Finding]:
    for run in _runs(words, found):
        spelled = "".join(char for char, _ in run)
        if len(run) >= _SHORTEST and not spelled.isdigit():
            yield from _codes(spelled, [token for _, token in run])


def _codes(spelled: str, where: list[Token]) -> Iterator[Finding]:
    at = 0
    while at + _SHORTEST <= len(spelled):
        length, kind = _code_at(spelled, at)
        if length:
            start, end = where[at].start, where[at + length - 1].end
            yield Finding(start, end, kind, spelled[at : at + length])
        at += length or 1


def _code_at(spelled: str, at: int) -> tuple[int, Kind]:
    if spelled[at].isdigit():
        return 0, Kind.IBAN
    if is_nino(spelled[at : at + _SHORTEST]):
        return _SHORTEST, Kind.NINO
    for length in reversed(IBAN_LENGTHS):
        if at + length <= len(spelled) and is_iban(spelled[at : at + length]):
            return length, Kind.IBAN
    return 0, Kind.IBAN


def _runs(words: list[Token], found: Sequence[Number]) -> Iterator[list[tuple[str, Token]]]:
    """Rows of single characters, each with the token it came from."""
    heard = {number.first: number for number in found}
    run: list[tuple[str, Token]] = []
    at = 0
    while at < len(words):
        number = heard.get(at)
        if number is not None:
            run += _spread(number.digits, words[number.first], words[number.last])
            at = number.last
        elif letter := _letter(words[at].word):
            run.append((letter, words[at]))
        elif words[at].word not in _BETWEEN:
            yield run
            run = []
        at += 1
    yield run


def _spread(digits: str, first: Token, last: Token) -> list[tuple[str, Token]]:
    return [(digit, Token(first.start, last.end, digits)) for digit in digits]


def _letter(word: str) -> str:
    if len(word) == 1 and word.isascii() and word.isalpha():
        return word.upper()
    return ALPHABET.get(word, "").upper()
