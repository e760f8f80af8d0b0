"""What the command line prints: tables that a pipe can read, JSON when asked, progress."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_STEERS = re.compile("[\x7f-\x9f]")
"""JSON escapes the signs below a space, and not these."""


def show_json(value: Any) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    print(_STEERS.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text))


def plain(text: str) -> str:
    """What strangers wrote, as text: without signs that would steer a terminal."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else " " for sign in text)


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Left-aligned columns, two spaces apart; nothing is cut off. Says when there is no row."""
    texts = [[_text(each) for each in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *texts, strict=True)]
    for row in (list(heads), *texts):
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    if not rows:
        note("there are none")


def _text(value: object) -> str:
    return "-" if value is None or value == "" else " ".join(plain(str(value)).split("\n"))


def note(text: str) -> None:
    """For the person, not for the pipe."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Shows that something takes a while: a spinner on a terminal, one line elsewhere."""
    if not sys.stderr.isatty():
        note(f"{what} ...")
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


def seconds(milliseconds: int | None) -> str:
    if milliseconds is None:
        return "-"
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes}:{rest // 1000:02}.{rest % 1000 // 100}"


def money(micros: int | None, currency: str | None) -> str:
    """Micro-units exactly, without trailing zeros beyond the cents."""
    if micros is None:
        return "-"
    sign, whole, rest = "-" if micros < 0 else "", abs(micros) // 10**6, abs(micros) % 10**6
    decimals = f"{rest:06}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{decimals} {currency or ''}".rstrip()
