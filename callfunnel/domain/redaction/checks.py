"""Checksums and number plans: what makes a row of digits a card, an IBAN or a national id."""

import re

CARD_LENGTHS = range(13, 20)
IBAN_LENGTHS = range(15, 35)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_SSN = re.compile(r"(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4}")
_NINO = re.compile(r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]")
_NANP = re.compile(r"1?[2-9]\d{2}[2-9]\d{6}")


def luhn(digits: str) -> bool:
    """Whether the last of these decimal digits is their Luhn check digit."""
    total = sum(int(digit) for digit in digits[-1::-2])
    return (total + sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])) % 10 == 0


def is_card(digits: str) -> bool:
    """A payment card: 13 to 19 digits, a first digit that issuers use (2 to 6), Luhn."""
    return len(digits) in CARD_LENGTHS and digits[0] in "23456" and luhn(digits)


def is_iban(text: str) -> bool:
    """An IBAN in upper case without spaces: country, check digits, account; modulo 97."""
    if len(text) not in IBAN_LENGTHS or not (text.isascii() and text.isalnum()):
        return False
    if not (text[:2].isalpha() and text[2:4].isdigit()):
        return False
    return int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1


def is_ssn(digits: str) -> bool:
    """A US social security number that was or may be issued (nine digits)."""
    return _SSN.fullmatch(digits) is not None


def is_nino(text: str) -> bool:
    """A UK national insurance number in upper case without spaces."""
    return _NINO.fullmatch(text) is not None


def is_phone(digits: str) -> bool:
    """Digits that are dialled: a North American number, or one with a trunk prefix."""
    return _NANP.fullmatch(digits) is not None or (digits[0] == "0" and len(digits) in (10, 11))
