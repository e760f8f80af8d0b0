"""Price books as files: TOML, one per version, checked when read."""

import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from callfunnel.domain.usage import Bill, Used
from workers.billing.prices.rules import Price, PriceBook, book_on, rate

FOLDER = Path(__file__).parent / "books"


class Prices:
    """All price books; `rate` is what metering is handed."""

    def __init__(self, books: Sequence[PriceBook]) -> None:
        self._books = tuple(books)

    def rate(self, usage: Sequence[Used], day: date) -> Bill:
        """Prices by the book that is valid on `day`."""
        return rate(book_on(self._books, day), usage)


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    meter: str
    unit: str
    micros: int
    per: int
    provider: str = "*"
    model: str = "*"
    label: str = ""


class _Book(msgspec.Struct, forbid_unknown_fields=True):
    version: str
    currency: str
    valid_from: date
    price: list[_Entry]


def read_prices(folder: Path = FOLDER) -> Prices:
    """Every book of a folder. Raises ValueError that names the file and what is wrong."""
    books = [_read(file) for file in sorted(folder.glob("*.toml"))]
    if not books:
        raise ValueError(f"{folder.name}: there is no price book")
    for attribute in ("version", "valid_from"):
        values = [getattr(book, attribute) for book in books]
        if len(set(values)) < len(values):
            raise ValueError(f"{folder.name}: two price books have the same {attribute}")
    return Prices(books)


def _read(file: Path) -> PriceBook:
    try:
        document: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        book = msgspec.convert(document, _Book)
        prices = tuple(_checked(entry) for entry in book.price)
        if len({(p.meter, p.unit, p.provider, p.model) for p in prices}) < len(prices):
            raise ValueError("two prices for the same thing")
    except (ValueError, msgspec.ValidationError) as error:
        raise ValueError(f"{file.name}: {error}") from error
    return PriceBook(book.version, book.currency, book.valid_from, prices)


def _checked(entry: _Entry) -> Price:
    if entry.per <= 0 or entry.micros < 0:
        raise ValueError(f"{entry.meter}: `per` is at least 1 and `micros` not negative")
    return Price(**msgspec.structs.asdict(entry))
