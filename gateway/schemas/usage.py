"""Usage and bills, as the API shows them. Money in integer micro-units, no floats."""

from datetime import date

from gateway.schemas.calls import Shown


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
