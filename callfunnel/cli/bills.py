"""A bill as a table, line by line."""

from collections.abc import Mapping
from typing import Any

from callfunnel.cli.output import money, table


def show_bill(bill: Mapping[str, Any]) -> None:
    rows = [
        (
            line["meter"],
            f"{line['quantity']} {line['unit']}",
            money(line["amount_micros"], line["currency"]),
            line["explanation"],
        )
        for line in bill["lines"]
    ]
    table(("meter", "quantity", "amount", "explanation"), rows)
    state = "" if bill["rated"] else " (not rated yet)"
    print(f"total  {money(bill['total_micros'], bill['currency'])}{state}")
