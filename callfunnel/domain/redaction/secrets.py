"""Secrets said aloud: passwords, PINs, security codes and answers.

A secret that is kept costs more than a harmless word that is lost: when a sentence says what a
password is, the rest of the clause goes, unless every word of it only talks about the password.
"""

import re
from collections.abc import Iterator

from callfunnel.domain.redaction.finding import Finding, Kind
from callfunnel.domain.redaction.tokens import NUMBER_WORDS, REPEATS
from callfunnel.domain.redaction.wordlist import one_of

_WORDS = (
    r"pass\s?-?(?:word|code|phrase)s?|security\s+(?:answer|word|question)|secret(?:\s+\w+)?"
    r"|memorable\s+\w+|maiden\s+name|(?:api|access|secret)\s+key|wi-?fi\s+key"
)
_CODES = (
    r"pin(?:\s+(?:number|code))?|(?:security|verification|access|activation|secret|sort|door)"
    r"\s+(?:code|number)|one[\s-]time\s+(?:code|password|pin)|otp|cvv2?|cvc2?|csc"
)
_BACK = r"(?:code|digits|numbers?)\s+(?:on|at)\s+the\s+(?:back|front)(?:\s+of\s+\w+(?:\s+\w+)?)?"
_IS = r"(?:\s+(?:is|was|are|being|equals|should\s+be|will\s+be)|'s|’s|\s*[:=])"
_TOLD = re.compile(
    rf"\b(?:{_WORDS}|{_CODES}|{_BACK})(?:\s+(?:for|to|of|on)\s+\w+(?:\s+\w+)?)?{_IS}\s*",
    re.IGNORECASE,
)
_CODE = re.compile(rf"\b(?:{_CODES})\s*(?:is|was|number|:|=|,)?\s*(?=\S)", re.IGNORECASE)
_BARE = re.compile(r"\b(?:password|passcode|passphrase)\s+(?=\S*\d)", re.IGNORECASE)
_WORD = re.compile(r"\S+")
_CLAUSE_END = re.compile(r"[.!?;,]+$")
_GOING_ON = re.compile(
    r"(?:and|but|so|because|then)\s+(?:i|i'm|i'd|we|you|my|the|it|can|could|would|please|then|now"
    r"|what|why|how|is|that)\b"
    r"|(?:can|could|would|please|thanks|thank|okay|ok|alright)\b",
    re.IGNORECASE,
)
_ABOUT = one_of(
    "not wrong incorrect invalid expired required needed working correct right the same still no "
    "longer case sensitive too short long blocked locked reset being safe ok okay fine what that "
    "it anymore any more a an my your in on secret written somewhere lost gone forgotten for to "
    "this of here there good bad weak strong unknown changed set never asked private nothing "
    "something important question why how"
)
_MOST_WORDS, _MOST_LETTERS = 12, 40


def secret_findings(text: str) -> Iterator[Finding]:
    """Values that the text says are secrets."""
    for match in _TOLD.finditer(text):
        yield from _clause(text, match.end())
    for match in _BARE.finditer(text):
        yield from _code(text, match.end())
    for match in _CODE.finditer(text):
        yield from _code(text, match.end())


def _clause(text: str, start: int) -> Iterator[Finding]:
    """Everything up to the end of the clause that begins at `start`."""
    end, harmless = start, True
    for count, match in enumerate(_WORD.finditer(text, start), start=1):
        word = match.group()
        if word.startswith("<") or _GOING_ON.match(text, match.start()):
            break
        core = _CLAUSE_END.sub("", word)
        if core:
            end = match.start() + len(core)
            harmless = harmless and core.lower().strip("\"'") in _ABOUT
        if core != word or count >= (_MOST_LETTERS if len(core) == 1 else _MOST_WORDS):
            break
    if end > start and not harmless:
        yield Finding(start, end, Kind.SECRET, text[start:end].lower())


def _code(text: str, start: int) -> Iterator[Finding]:
    """The digits right after the name of a code."""
    end = start
    for match in _WORD.finditer(text, start):
        core = _CLAUSE_END.sub("", match.group())
        if not _is_digits(core):
            break
        end = match.start() + len(core)
    if end > start:
        yield Finding(start, end, Kind.SECRET, text[start:end].lower())


def _is_digits(word: str) -> bool:
    lower = word.lower()
    parts = lower.split("-")
    return any(char.isdigit() for char in word) or all(
        part in NUMBER_WORDS or part in REPEATS for part in parts
    )
