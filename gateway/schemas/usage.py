"""Usage and bills, as the API shows them. Money in integer micro-units, no floats."""

import re
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator

from gateway.schemas.calls import Shown


def _iso_day(text: object) -> date:
    """Left to itself, pydantic takes a number for seconds since 1970."""
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        raise ValueError("a day is written as 2026-01-31")
    return date.fromisoformat(text)


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
Day = Annotated[date, BeforeValidator(_iso_day)]


class BillLine(Shown):
    """One line: `quantity` of `unit` at `price_micros` per `per` units, explained in words."""

    line: int
    meter: str
    provider: str
    model: str
    unit: str
    quantity: int
    records: int
    price_micros: int | None
    per: int | None
    amount_micros: int
    currency: str
    price_book: str
    explanation: str


class Bill(Shown):
    """The bill of one call. `rated` is false until the usage is counted and priced."""

    call: str
    rated: bool
    lines: list[BillLine]
    total_micros: int
    currency: str | None


class DayTotal(Shown):
    """What was used of one meter on one day."""

    day: date
    meter: str
    unit: str
    provider: str
    model: str
    quantity: int
    records: int


class UsageTotals(Shown):
    """Totals from `since` to before `until`."""

    since: date
    until: date
    items: list[DayTotal]
