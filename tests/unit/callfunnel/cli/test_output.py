"""Money and times are exact, tables are cut nowhere."""

import json

import pytest

from callfunnel.cli.output import money, seconds, show_json, table


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0.00 USD"),
        (1_000_000, "1.00 USD"),
        (1, "0.000001 USD"),
        (12_500, "0.0125 USD"),
        (-2_300_000, "-2.30 USD"),
    ],
)
def test_money_keeps_every_micro_unit(micros: int, text: str) -> None:
    assert money(micros, "USD") == text


def test_what_is_not_known_is_a_dash() -> None:
    assert (money(None, None), seconds(None)) == ("-", "-")


def test_lengths_are_minutes_and_seconds() -> None:
    assert seconds(61_549) == "1:01.5"


def test_a_table_is_aligned_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    table(("call", "state"), [("c_1", None), ("c_22222", "settled")])
    assert capsys.readouterr().out == "call     state\nc_1      -\nc_22222  settled\n"


def test_what_strangers_wrote_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    odd = "a\x1b]0;title\x07\x9b31m\x7f\r\nb\u202ec"
    table(("name",), [(odd,)])
    show_json({"name": odd})
    shown = capsys.readouterr().out
    assert all(sign.isprintable() or sign == "\n" for sign in shown.replace("\u202e", ""))
    assert json.loads(shown[shown.index("{") :]) == {"name": odd}


def test_a_table_without_rows_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    table(("call", "state"), [])
    assert capsys.readouterr() == ("call  state\n", "there are none\n")
