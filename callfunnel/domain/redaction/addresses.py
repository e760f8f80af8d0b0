"""E-mail addresses, written and spoken: `jane@example.com`, `jane dot doe at example dot com`."""

import re
from bisect import bisect_left
from collections.abc import Iterator

from callfunnel.domain.redaction.finding import Finding, Kind
from callfunnel.domain.redaction.tokens import NUMBER_WORDS, REPEATS, Token
from callfunnel.domain.redaction.wordlist import one_of

_WRITTEN = re.compile(r"[\w.+%'-]{1,64}\s?@\s?[\w-]{1,63}(?:\.[\w-]{1,63}){0,6}")
_KNOWN = r"(?:g\s?mail|google\s?mail|hotmail|yahoo|outlook|icloud|aol|proton\s?mail)"
_ENDS = (
    "com net org edu gov info biz io ai app dev me tv co name mobi online site shop tech cloud eu "
    "uk us ca de fr es it nl be ch at au nz ie in jp cn br mx se no dk fi pl pt gr cz ru za"
)
_DOT = r"(?:\s+(?:dot|point|period)\s+|\.)"
_LABEL = r"[a-z0-9-]{1,63}"
_HOST = re.compile(
    rf"(?:\bat(?:\s+sign)?|@)\s+(?:{_KNOWN}\b(?!{_DOT})|(?:{_LABEL}\s+){{0,3}}?{_LABEL}(?:{_DOT}{_LABEL}){{0,4}}?"
    rf"{_DOT}(?:{'|'.join(_ENDS.split())})\b(?:{_DOT}[a-z]{{2}}\b)?)",
    re.IGNORECASE,
)
_BINDING = one_of("dot underscore dash hyphen minus plus period point . _ - + %")
_NO_NAME = one_of(
    "is it us me you at or and look visit available online meet website site page address mail "
    "email e shop here there be found contact in on the a to we are you're i'm"
)


def email_findings(text: str, words: list[Token]) -> Iterator[Finding]:
    """Addresses of people; a host alone is none."""
    for match in _WRITTEN.finditer(text):
        yield Finding(match.start(), match.end(), Kind.EMAIL, match.group().lower())
    for match in _HOST.finditer(text):
        at = bisect_left(words, match.start(), key=lambda token: token.start)
        start = _name_start(words, at)
        if start < at:
            value = text[words[start].start : match.end()].lower()
            yield Finding(words[start].start, match.end(), Kind.EMAIL, value)


def _name_start(words: list[Token], at: int) -> int:
    """The first token of the name before `at`: one word, and what is bound or spelled to it."""
    start = at - 1
    if start < 0 or words[start].word in _NO_NAME or not words[start].word[0].isalnum():
        return at
    while start > 0 and _belongs(words, start):
        start -= 1
    return start


def _belongs(words: list[Token], start: int) -> bool:
    """Whether the token before `start` is part of the same name."""
    before, first = words[start - 1], words[start]
    if before.word in _BINDING or first.word in _BINDING or before.end == first.start:
        return True
    if not _is_piece(first.word):
        return False
    named = first.word in NUMBER_WORDS and before.word[0].isalpha()  # "smith twenty two"
    return _is_piece(before.word) or (named and before.word not in _NO_NAME)


def _is_piece(word: str) -> bool:
    """A letter or number that is spelled."""
    return (len(word) == 1 and word.isalnum()) or word in NUMBER_WORDS or word in REPEATS
