import pytest

from callfunnel.domain.digits import number_in


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("9" * 18, 10**18 - 1)])
def test_plain_digits_are_a_number(text: str, number: int) -> None:
    assert number_in(text) == number


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1.0", " 1", "²", "٣", "1e3", "9" * 19, "9" * 5000]
)
def test_anything_else_is_none(text: str) -> None:
    assert number_in(text) is None
