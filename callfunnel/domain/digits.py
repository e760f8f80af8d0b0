"""Numbers that somebody else wrote as text."""

_MOST = 18


def number_in(text: str) -> int | None:
    """The whole number that plain digits say; None for anything else.

    `str.isdigit` is no test for that: `int` fails on a superscript and on thousands of digits.
    """
    return int(text) if len(text) <= _MOST and text.isascii() and text.isdigit() else None
