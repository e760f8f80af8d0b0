"""Usage and what it costs: integers only, money in micro-units of the currency."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, order=True)
class Used:
    """What a call used of one thing: the sum of `records` records."""

    meter: str
    provider: str
    model: str
    unit: str
    quantity: int
    records: int


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a bill. `price_micros` buys `per` units; both are None for what has no price."""

    used: Used
    price_micros: int | None
    per: int | None
    amount_micros: int
    explanation: str


@dataclass(frozen=True, slots=True)
class Bill:
    """What was used, priced by one version of the price book."""

    lines: tuple[BillLine, ...]
    currency: str
    price_book: str

    @property
    def amount_micros(self) -> int:
        return sum(line.amount_micros for line in self.lines)


Rate = Callable[[Sequence[Used], date], Bill]
"""Prices what was used, by the price book that is valid on a day."""
