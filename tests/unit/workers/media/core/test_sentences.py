"""Sentences with values in them."""

import pytest

from workers.media.core.sentences import fill


@pytest.mark.parametrize(
    ("value", "said"),
    [(25, "25"), (25.0, "25"), (2.5, "2.5"), ("ten", "ten"), (True, "yes"), (None, ""), ({}, "")],
)
def test_values_are_spoken_as_one_would_say_them(value: object, said: str) -> None:
    assert fill("It is {percent} percent.", {"percent": value}) == f"It is {said} percent."


def test_a_sentence_is_filled_once_and_not_from_its_own_values() -> None:
    assert fill("{a} {b}", {"a": "{b}", "b": "x"}) == "{b} x"
