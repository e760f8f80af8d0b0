"""Prices: integers, one stated rounding, the most specific price, the book of the day."""

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfunnel.domain.usage import Used
from workers.billing.prices.files import read_prices
from workers.billing.prices.rules import (
    Price,
    PriceBook,
    amount,
    book_on,
    money,
    price_of,
    rate,
)

DAY = date(2026, 3, 1)


def used(meter: str = "call.ms", quantity: int = 61_500, unit: str = "ms", **more: str) -> Used:
    return Used(meter, more.get("provider", "callfunnel"), more.get("model", ""), unit, quantity, 2)


def book(*prices: Price) -> PriceBook:
    return PriceBook("b1", "USD", date(2026, 1, 1), prices)


def test_a_line_explains_itself() -> None:
    bill = rate(book(Price("call.ms", "ms", 12_000, 60_000, label="on the phone")), [used()])
    (line,) = bill.lines
    assert line.amount_micros == 12_300
    assert line.explanation == ("on the phone: 61.500 s x 0.012 USD per minute = 0.0123 USD")
    assert (bill.amount_micros, bill.currency, bill.price_book) == (12_300, "USD", "b1")


def test_what_has_no_price_is_on_the_bill_and_free() -> None:
    bill = rate(book(), [used("magic", 3, "count")])
    assert bill.amount_micros == 0
    assert "not in price book b1" in bill.lines[0].explanation
    assert bill.lines[0].price_micros is None


def test_a_price_in_another_unit_does_not_fit() -> None:
    assert price_of(book(Price("call.ms", "minutes", 1, 1)), used()) is None


def test_the_most_specific_price_wins() -> None:
    prices = (
        Price("t", "tokens", 3, 1, "openai", "big"),
        Price("t", "tokens", 2, 1, "openai"),
        Price("t", "tokens", 1, 1),
    )
    for provider, model, micros in (("openai", "big", 3), ("openai", "x", 2), ("own", "", 1)):
        found = price_of(book(*prices), used("t", 1, "tokens", provider=provider, model=model))
        assert found is not None
        assert found.micros == micros


def test_the_book_of_the_day_prices() -> None:
    old, new = book(), PriceBook("b2", "USD", date(2026, 6, 1), ())
    assert book_on([new, old], date(2026, 5, 31)) is old
    assert book_on([new, old], date(2026, 6, 1)) is new
    assert book_on([new, old], date(2020, 1, 1)) is old


@given(st.integers(0, 10**12), st.integers(0, 10**9), st.integers(1, 10**9))
def test_an_amount_is_the_exact_product_rounded_half_up(
    quantity: int, micros: int, per: int
) -> None:
    exact = Fraction(quantity * micros, per)
    assert abs(amount(quantity, micros, per) - exact) <= Fraction(1, 2)
    assert isinstance(amount(quantity, micros, per), int)
    if (exact - int(exact)) == Fraction(1, 2):
        assert amount(quantity, micros, per) == int(exact) + 1


@given(st.lists(st.integers(0, 10**9), max_size=6))
def test_a_bill_is_the_sum_of_its_lines(quantities: list[int]) -> None:
    usage = [Used(f"m{n}", "p", "", "ms", each, 1) for n, each in enumerate(quantities)]
    prices = tuple(Price(f"m{n}", "ms", 7, 1000) for n in range(len(usage)))
    bill = rate(book(*prices), usage)
    assert bill.amount_micros == sum(amount(each, 7, 1000) for each in quantities)


@pytest.mark.parametrize(
    ("micros", "text"), [(0, "0.00"), (14_000, "0.014"), (1_500_000, "1.50"), (-1, "-0.000001")]
)
def test_money_is_written_without_floats(micros: int, text: str) -> None:
    assert money(micros) == text


METERS = {
    "ms": ("call.ms", "stream.ms", "audio.in.ms", "audio.out.ms", "recording.ms"),
    "count": ("tool.calls",),
    "tokens": tuple(
        f"tokens.{kind}.{way}" for kind in ("text", "audio") for way in ("in", "in_cached", "out")
    ),
}


def test_the_shipped_books_price_every_meter_of_the_platform() -> None:
    usage = [used(meter, 1000, unit) for unit, meters in METERS.items() for meter in meters]
    bill = read_prices().rate(usage, DAY)
    assert [line.used.meter for line in bill.lines if line.price_micros is None] == []


def test_a_broken_book_is_refused_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "2026-02.toml"
    for text in (
        "version =",
        'version = "x"',
        'version="x"\ncurrency="USD"\nvalid_from=2026-01-01\n[[price]]\nmeter="m"\nunit="ms"\n'
        "micros=1\nper=0",
    ):
        file.write_text(text)
        with pytest.raises(ValueError, match=r"2026-02\.toml"):
            read_prices(tmp_path)


def test_two_books_of_one_day_and_no_book_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no price book"):
        read_prices(tmp_path)
    for name in ("a", "b"):
        text = f'version = "{name}"\ncurrency = "USD"\nvalid_from = 2026-01-01\nprice = []\n'
        (tmp_path / f"{name}.toml").write_text(text)
    with pytest.raises(ValueError, match="valid_from"):
        read_prices(tmp_path)
