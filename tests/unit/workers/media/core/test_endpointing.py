"""How long a silence ends a turn, by its words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfunnel.domain.rulebook import Endpointing as Rules
from workers.media.core.endpointing import Endpointing, wait_ms

RULES = Rules()


@pytest.mark.parametrize(
    "text",
    [
        "Why is my bill so high?",
        "yes",
        "No.",
        "I want to cancel my contract",
        "my mail is anna at example dot com",
        "it is anna@example.com",
        "",
    ],
)
def test_a_finished_sentence_ends_soon(text: str) -> None:
    assert wait_ms(text, RULES) == RULES.min_ms


@pytest.mark.parametrize(
    "text",
    [
        "I want to cancel because",
        "and then, um",
        "my number is five five",
        "it is 555",
        "my name is s m",
        "anna at gmail",
        "anna@exam",
        "well,",
    ],
)
def test_a_sentence_that_goes_on_is_waited_for(text: str) -> None:
    assert wait_ms(text, RULES) == RULES.unfinished_ms


def test_whoever_was_asked_for_a_number_gets_time_for_it() -> None:
    assert wait_ms("it is my phone", RULES, asked_for_number=True) == RULES.unfinished_ms


@given(st.text(max_size=200))
def test_any_text_has_a_wait_within_the_rules(text: str) -> None:
    assert RULES.min_ms <= wait_ms(text, RULES) <= RULES.unfinished_ms


def test_a_voice_begins_the_wait_anew() -> None:
    endpointing = Endpointing(RULES)
    endpointing.silence(1.0)
    endpointing.voice()
    assert not endpointing.over(9.0)
    endpointing.silence(2.0)
    due = endpointing.deadline()
    assert due == 2.45
    assert endpointing.over(due)
    assert not endpointing.over(due)
