"""Rating: pure, in integers.

An amount is `quantity * price_micros / per`, rounded once per line to a whole micro-unit, half
up. The most specific price wins: provider and model, then provider, then any. What has no price
costs nothing and says so on its line; it is never left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from callfunnel.domain.usage import Bill, BillLine, Used

ANY = "*"


@dataclass(frozen=True, slots=True)
class Price:
    """`micros` for each `per` units of `meter`, of one provider and model or of any."""

    meter: str
    unit: str
    micros: int
    per: int
    provider: str = ANY
    model: str = ANY
    label: str = ""


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Prices that hold from the day `valid_from` until the next book's."""

    version: str
    currency: str
    valid_from: date
    prices: tuple[Price, ...]


def book_on(books: Sequence[PriceBook], day: date) -> PriceBook:
    """The book that is valid on `day`; before the first one, the first."""
    ordered = sorted(books, key=lambda book: book.valid_from)
    valid = [book for book in ordered if book.valid_from <= day]
    return valid[-1] if valid else ordered[0]


def rate(book: PriceBook, usage: Sequence[Used]) -> Bill:
    """One line for each thing used, in a stable order."""
    lines = tuple(_line(book, used) for used in sorted(usage))
    return Bill(lines, book.currency, book.version)


def amount(quantity: int, micros: int, per: int) -> int:
    """Micro-units for `quantity` at `micros` each `per`, rounded half up."""
    return (2 * quantity * micros + per) // (2 * per)


def price_of(book: PriceBook, used: Used) -> Price | None:
    """The most specific price for what was used, in its unit."""
    fitting = [
        price
        for price in book.prices
        if price.meter == used.meter
        and price.unit == used.unit
        and price.provider in (ANY, used.provider)
        and price.model in (ANY, used.model)
    ]
    return max(fitting, key=_exactness, default=None)


def _exactness(price: Price) -> tuple[bool, bool]:
    return price.provider != ANY, price.model != ANY


def _line(book: PriceBook, used: Used) -> BillLine:
    price = price_of(book, used)
    if price is None:
        words = f"{_quantity(used)}: not in price book {book.version}, free of charge"
        return BillLine(used, None, None, 0, words)
    cost = amount(used.quantity, price.micros, price.per)
    words = (
        f"{price.label or used.meter}: {_quantity(used)}"
        f" x {money(price.micros)} {book.currency} per {_per(price)}"
        f" = {money(cost)} {book.currency}"
    )
    return BillLine(used, price.micros, price.per, cost, words)


def money(micros: int) -> str:
    """Micro-units as a decimal, without superfluous zeros: 14000 is `0.014`."""
    whole, rest = divmod(abs(micros), 1_000_000)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}{whole}.{decimals}"


def _quantity(used: Used) -> str:
    if used.unit == "ms":
        seconds, rest = divmod(used.quantity, 1000)
        return f"{seconds}.{rest:03d} s"
    return f"{used.quantity} {used.unit}" if used.unit != "count" else str(used.quantity)


def _per(price: Price) -> str:
    if price.unit == "ms":
        return {60_000: "minute", 1_000: "second", 3_600_000: "hour"}.get(
            price.per, f"{price.per} ms"
        )
    if price.unit == "tokens" and price.per == 1_000_000:
        return "million tokens"
    return f"{price.per} {price.unit}" if price.per != 1 else "each"
