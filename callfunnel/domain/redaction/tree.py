"""Free-form values, leaf by leaf: the arguments and results of tools.

A leaf with spaces is a sentence and redacted as one. A leaf without is an id, a number or a word:
it stays unless it is itself something that must go, or repeats digits that the caller said.
"""

import re
from collections.abc import Callable
from typing import Any

from callfunnel.domain.redaction.checks import is_card, is_iban, is_nino, is_ssn
from callfunnel.domain.redaction.redactor import redact, redact_time

_SECRET_KEY = re.compile(
    r"pass_?(?:word|code|phrase)|secret|(?:^|_)(?:pin|otp|cvv2?|cvc2?|ssn|nino|iban|pan)(?:$|_)"
    r"|card_?(?:number|no)$|security_?(?:code|answer|number)|api_?key|auth_?token|maiden",
    re.IGNORECASE,
)
_TIME_KEY = re.compile(r"(?:^|_)(?:time|at|when|hour|date|day|from|until)(?:$|_)", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s().\-]")
_EMAIL = re.compile(r"[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_PHONE = re.compile(r"\+\d{8,15}")
_SSN = re.compile(r"\d{3}-\d{2}-\d{4}")
_LONGEST_ID = 12
_SHORTEST_ECHO = 4
_DEEPEST = 32


def redact_tree(value: Any, said: str = "") -> Any:
    """A copy of JSON-like `value` without what must not be kept.

    `said` are the digits the caller has just read out: a leaf that repeats four of them goes.
    """
    return _walk(value, said, 0)


def _walk(value: Any, said: str, depth: int) -> Any:
    if depth > _DEEPEST:
        return "<SECRET_1>"
    if isinstance(value, dict):
        return {
            _leaf(str(key), said): _entry(key, each, said, depth) for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_walk(each, said, depth + 1) for each in value]
    if isinstance(value, str):
        return _leaf(value, said)
    if isinstance(value, int) and not isinstance(value, bool):
        return _number(value, said)
    return value


def _entry(key: Any, value: Any, said: str, depth: int) -> Any:
    if _SECRET_KEY.search(str(key)) and isinstance(value, str | int) and value not in ("", True):
        return "<SECRET_1>"
    if isinstance(value, str) and _TIME_KEY.search(str(key)) and " " in value:
        return redact_time(value).text
    return _walk(value, said, depth + 1)


def _number(value: int, said: str) -> Any:
    digits = str(abs(value))
    if is_card(digits):
        return "<CARD_1>"
    return "<DIGITS_1>" if _echoes(digits, said) else value


def _leaf(text: str, said: str) -> str:
    text = text.replace("\0", "")
    if any(char.isspace() for char in text.strip()):
        return redact(text).text
    plain = _SEPARATORS.sub("", text)
    for name, test in _WHOLE:
        if test(text.strip(), plain):
            return f"<{name}_1>"
    return "<DIGITS_1>" if _echoes(plain, said) else text


def _echoes(digits: str, said: str) -> bool:
    return len(digits) >= _SHORTEST_ECHO and digits.isdecimal() and digits in said


_WHOLE: tuple[tuple[str, Callable[[str, str], bool]], ...] = (
    ("CARD", lambda _, plain: plain.isdecimal() and plain.isascii() and is_card(plain)),
    ("IBAN", lambda _, plain: is_iban(plain.upper())),
    ("EMAIL", lambda text, _: _EMAIL.fullmatch(text) is not None),
    ("PHONE", lambda _, plain: _PHONE.fullmatch(plain) is not None),
    ("SSN", lambda text, plain: _SSN.fullmatch(text) is not None and is_ssn(plain)),
    ("NINO", lambda _, plain: is_nino(plain.upper())),
    ("DIGITS", lambda _, plain: plain.isdecimal() and len(plain) > _LONGEST_ID),
)
