"""What a text may hold, at a glance: which of the searches that cost more are worth their while.

Most of what is said holds nothing to cut out. A glance may say that something could be there when
it is not, and never the other way round: what is skipped is exactly what would find nothing. A
property test holds it to that, against every search made in full.
"""

import re
from typing import NamedTuple

from callfunnel.domain.redaction.spelled import ALPHABET
from callfunnel.domain.redaction.tokens import NUMBER_WORDS, REPEATS
from callfunnel.domain.redaction.wordlist import listed, one_of

_WORD = re.compile(r"[a-z]+")
_DIGIT = re.compile(r"\d")
_ODD = re.compile("[\u0130\u0131\u017f\u212a]")
"""Letters that `re.IGNORECASE` takes for i, s and k, and `lower` does not."""
_SAID = NUMBER_WORDS | frozenset(REPEATS)
_DOTS = one_of("dot point period")
_MAILERS = listed("mail yahoo outlook icloud aol")
_SECRETS = listed("pass secur secret memorable maiden key pin code otp cvv cvc csc")
_NAMED_NUMBERS = listed("back front verification access activation sort door")


class Glance(NamedTuple):
    """What may be there: digits at all, digits as signs, spelled codes, addresses, secrets."""

    numbers: bool
    written: bool
    codes: bool
    addresses: bool
    secrets: bool


EVERYTHING = Glance(True, True, True, True, True)


def glance(text: str) -> Glance:
    """What `text` may hold."""
    if not text.isascii() and _ODD.search(text):
        return EVERYTHING
    low = text.lower()
    words = _WORD.findall(low)
    written = _DIGIT.search(low) is not None
    numbers = written or not _SAID.isdisjoint(words)
    return Glance(
        numbers=numbers,
        written=written,
        codes=written or (numbers and _letters(words) > 1),
        addresses="@" in low or ("at" in words and _ends_like_a_host(low, words)),
        secrets=_tells_a_secret(low),
    )


def may_say(text: str, parts: list[str]) -> bool:
    """Whether any of `parts`, in lower case, is in the text as `re.IGNORECASE` would read it."""
    if not text.isascii() and _ODD.search(text):
        return True
    low = text.lower()
    return any(part in low for part in parts)


def _letters(words: list[str]) -> int:
    """How many words may be letters that are spelled: a code has two at least."""
    return sum(len(word) == 1 or word in ALPHABET for word in words)


def _ends_like_a_host(low: str, words: list[str]) -> bool:
    return "." in low or not _DOTS.isdisjoint(words) or any(mailer in low for mailer in _MAILERS)


def _tells_a_secret(low: str) -> bool:
    if any(part in low for part in _SECRETS):
        return True
    numbered = "number" in low or "digits" in low
    return numbered and any(part in low for part in _NAMED_NUMBERS)
