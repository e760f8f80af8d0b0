"""Rows of digits: which numbers belong together, what they are, and which of them must go.

Groups of four read with pauses are as telling as the whole number, so four digits in a row are
taken unless they are clearly something else; three when each was said alone; and fewer when the
conversation says that a number is being read out (`Strictness`).
"""

import enum
from collections.abc import Iterator, Sequence

from callfunnel.domain.redaction.checks import CARD_LENGTHS, is_card, is_phone, is_ssn
from callfunnel.domain.redaction.finding import Finding, Kind
from callfunnel.domain.redaction.glance import glance
from callfunnel.domain.redaction.harmless import is_in_context, is_measured, written_spans
from callfunnel.domain.redaction.tokens import Number, Token, numbers, tokens
from callfunnel.domain.redaction.wordlist import one_of

_JOINING = one_of(
    "- – — . , / ( ) : _ * # + ' dash hyphen minus then um uh er erm ah mm hmm space dot point "
    "slash plus okay ok so next like"
)
_MOST_JOINING = 3
_SHORTEST = 4
_PHONE_WORDS = one_of(
    "phone telephone mobile cell number call reach ring text fax landline whatsapp"
)
_NOT_PHONE_WORDS = one_of("card account social security credit debit order reference")


class Strictness(enum.IntEnum):
    """How much of the digits of a text must go.

    USUAL: four in a row. MOSTLY_DIGITS: any, in a text that is little else. EVERY: also two in a
    row, years and times included; only what a unit or currency marks as an amount may stay.
    """

    USUAL = 0
    MOSTLY_DIGITS = 1
    EVERY = 2


def digit_findings(
    text: str, words: list[Token], found: list[Number], strictness: Strictness
) -> Iterator[Finding]:
    """Cards, phones, social security numbers and other rows of digits that must go.

    `found` are the numbers among the words.
    """
    spans = written_spans(text) if any(number.written for number in found) else []
    shortest = _SHORTEST
    if strictness is not Strictness.USUAL:
        strictness, shortest = _settled(strictness, _mostly(found, words))
    for run in _runs(found, words):
        cards = list(_card(run, words))
        if cards:
            yield from cards
            continue
        for part in _outside(run, words, spans):
            if _long_enough(part, shortest) and _must_go(part, words, strictness):
                yield _named(part, words, text)


def digits_of(text: str) -> str:
    """The digits of a text of which at least half of the words are digits; of others none."""
    if not glance(text).numbers:
        return ""
    words = tokens(text)
    found = list(numbers(words))
    return "".join(number.digits for number in found) if _mostly(found, words) else ""


def _settled(asked: Strictness, mostly: bool) -> tuple[Strictness, int]:
    """How strict to be with this very text, and the shortest row of digits that must go."""
    if mostly:
        return Strictness.EVERY, 1
    return (asked, 2) if asked is Strictness.EVERY else (Strictness.USUAL, _SHORTEST)


def _mostly(found: list[Number], words: list[Token]) -> bool:
    spoken = [word for word in words if word.word[0].isalnum()]
    inside = sum(number.last - number.first + 1 for number in found)
    return bool(found) and inside * 2 >= len(spoken)


def _runs(found: list[Number], words: list[Token]) -> Iterator[list[Number]]:
    run: list[Number] = []
    for number in found:
        if run and not _joined(words[run[-1].last + 1 : number.first]):
            yield run
            run = []
        run.append(number)
    if run:
        yield run


def _joined(between: Sequence[Token]) -> bool:
    return len(between) <= _MOST_JOINING and all(token.word in _JOINING for token in between)


def _outside(
    run: list[Number], words: list[Token], spans: list[tuple[int, int]]
) -> Iterator[list[Number]]:
    """The run without what is written as an amount, date or time."""
    part: list[Number] = []
    for number in run:
        start, end = words[number.first].start, words[number.last].end
        if any(left <= start and end <= right for left, right in spans):
            if part:
                yield part
            part = []
        else:
            part.append(number)
    if part:
        yield part


def _card(run: list[Number], words: list[Token]) -> Iterator[Finding]:
    """The card numbers in a run and whatever digits stand before and after them."""
    begin = 0
    while (window := _first_card(run, begin)) is not None:
        first, last = window
        if first > begin:
            yield _finding(run[begin:first], words, Kind.DIGITS)
        yield _finding(run[first : last + 1], words, Kind.CARD)
        begin = last + 1
    if 0 < begin < len(run):
        yield _finding(run[begin:], words, Kind.DIGITS)


def _first_card(run: list[Number], begin: int) -> tuple[int, int] | None:
    for first in range(begin, len(run)):
        digits = ""
        for last in range(first, len(run)):
            digits += run[last].digits
            if len(digits) >= CARD_LENGTHS.stop:
                break
            if is_card(digits):
                return first, last
    return None


def _long_enough(run: list[Number], shortest: int) -> bool:
    digits = sum(len(number.digits) for number in run)
    return digits >= shortest or (digits >= 3 and all(number.single for number in run))


def _must_go(run: list[Number], words: list[Token], strictness: Strictness) -> bool:
    if is_measured(run, words):
        return False
    return strictness is Strictness.EVERY or not is_in_context(run, words)


def _named(run: list[Number], words: list[Token], text: str) -> Finding:
    """The finding for a run; a leading plus sign is part of a phone number."""
    digits = "".join(number.digits for number in run)
    found = _finding(run, words, _kind(run, words, digits, text))
    if found.kind is Kind.PHONE and found.start and text[found.start - 1] == "+":
        return Finding(found.start - 1, found.end, Kind.PHONE, digits)
    return found


def _kind(run: list[Number], words: list[Token], digits: str, text: str) -> Kind:
    before = [token.word for token in words[max(0, run[0].first - 8) : run[0].first]]
    if is_ssn(digits) and ("social" in before or _shaped_ssn(run, words, text)):
        return Kind.SSN
    dialled = before[-1:] in (["+"], ["plus"]) and 8 <= len(digits) <= 15
    hinted = bool(_PHONE_WORDS.intersection(before)) and 7 <= len(digits) <= 15
    if dialled or (is_phone(digits) and not _NOT_PHONE_WORDS.intersection(before)):
        return Kind.PHONE
    if hinted and not _NOT_PHONE_WORDS.intersection(before):
        return Kind.PHONE
    return Kind.DIGITS


def _shaped_ssn(run: list[Number], words: list[Token], text: str) -> bool:
    """123-45-6789."""
    lengths = [len(number.digits) for number in run]
    between = text[words[run[0].last].end : words[run[-1].first].start]
    return lengths == [3, 2, 4] and "-" in between


def _finding(run: Sequence[Number], words: list[Token], kind: Kind) -> Finding:
    digits = "".join(number.digits for number in run)
    return Finding(words[run[0].first].start, words[run[-1].last].end, kind, digits)
