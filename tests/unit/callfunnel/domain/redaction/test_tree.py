"""Free-form values: what goes and what stays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callfunnel.domain.redaction.tree import redact_tree


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"card": "4111111111111111"}, {"card": "<CARD_1>"}),
        ({"card": 4111111111111111}, {"card": "<CARD_1>"}),
        ({"card": "4111-1111-1111-1111"}, {"card": "<CARD_1>"}),
        ({"to": ["jane@example.com", "+15550102345"]}, {"to": ["<EMAIL_1>", "<PHONE_1>"]}),
        ({"iban": "anything"}, {"iban": "<SECRET_1>"}),
        ({"x": "GB82WEST12345698765432"}, {"x": "<IBAN_1>"}),
        ({"x": "AB123456C", "y": "123-45-6789"}, {"x": "<NINO_1>", "y": "<SSN_1>"}),
        ({"password": "hunter2", "pin": 1234}, {"password": "<SECRET_1>", "pin": "<SECRET_1>"}),
        ({"security_code": "", "user_pin": None}, {"security_code": "", "user_pin": None}),
        ({"note": "card is four one one one"}, {"note": "card is <DIGITS_1>"}),
        ({"4111111111111111": True}, {"<CARD_1>": True}),
        ({"deep": [{"x": ["4111111111111111"]}]}, {"deep": [{"x": ["<CARD_1>"]}]}),
    ],
)
def test_what_must_not_be_kept_goes(value: object, kept: object) -> None:
    assert redact_tree(value) == kept


def test_ids_amounts_and_times_stay() -> None:
    value = {
        "customer": "cus_0193a1b2",
        "account": "1001",
        "amount_micros": 45_990_000,
        "price": "39.99",
        "discount_percent": 25,
        "at": "2026-12-31T10:00:00.123456Z",
        "active": True,
        "rate": 0.5,
        "none": None,
        "shipping": "spinach",
    }
    assert redact_tree(value) == value


def test_a_time_that_was_asked_for_stays_and_a_card_in_its_place_goes() -> None:
    value = {"day": "tuesday", "time": "ten thirty", "call_at": "eleven fifteen", "time_of": 1}
    assert redact_tree(value) == value
    assert redact_tree({"time": "four one one one one"}) == {"time": "<DIGITS_1>"}
    assert redact_tree({"text": "ten thirty"}) == {"text": "<DIGITS_1>"}


def test_digits_the_caller_has_just_said_go_wherever_they_turn_up() -> None:
    said = "4111222233"
    assert redact_tree({"last": "2222", "n": 2233, "m": "22"}, said) == {
        "last": "<DIGITS_1>",
        "n": "<DIGITS_1>",
        "m": "22",
    }


def test_what_no_database_takes_goes() -> None:
    assert redact_tree({"a\0": "b\0", "c": "d\0 e"}) == {"a": "b", "c": "d e"}


def test_what_is_nested_too_deep_to_look_at_goes() -> None:
    value: object = "4111111111111111"
    for _ in range(200):
        value = [value]
    assert "4111111111111111" not in str(redact_tree(value))


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(TREES, st.text("0123456789", max_size=20))
def test_any_tree_is_redacted_without_error(tree: object, said: str) -> None:
    redact_tree(tree, said)
