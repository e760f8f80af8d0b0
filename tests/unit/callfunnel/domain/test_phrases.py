"""Phrases: what a rule book's author may write, what it means, and what is refused in words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfunnel.domain.phrases import (
    SLOT_PHRASES,
    Phrase,
    PhraseError,
    Slot,
    example,
    parse,
    pattern,
    slots,
    words,
)

BILL = "why is my [last] bill so (high | expensive) [on <day>]"


def first(count: int) -> int:
    return 0 * count


def last(count: int) -> int:
    return count - 1


def said(phrase: Phrase, choose: object = first) -> str:
    return " ".join(example(phrase, choose))  # type: ignore[arg-type]  # any chooser will do


def test_an_example_takes_one_way_at_every_fork() -> None:
    assert said(parse(BILL)) == "why is my last bill so high on next monday"
    assert said(parse(BILL), last) == "why is my bill so expensive"


def test_a_phrase_names_its_slots_and_every_word_it_may_hold() -> None:
    phrase = parse(BILL)
    assert list(slots(phrase)) == ["day"]
    assert {"why", "expensive", "tomorrow"} <= set(words(phrase))


def test_numbers_in_a_row_repeat() -> None:
    spoken = said(parse("<digits>"), last).split()
    assert len(spoken) > 10
    assert re.fullmatch(pattern(Slot("digits")), "".join(f"{word} " for word in spoken))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing between"),
        ("[please]", "at least one word"),
        ("[please] [now]", "at least one word"),
        ("call (me", "never closed"),
        ("call me]", "closes nothing"),
        ("(call me]", "never closed"),
        ("Call me", "lower case"),
        ("25 percent", "numbers as words"),
        ("call || me", "nothing between"),
        ("my <zip>", "no slot <zip>"),
        ("costs $", "no meaning"),
        ("a " * 300, "at most"),
        ("(" * 9 + "a" + ")" * 9, "nested more than"),
        ("my number is <digits>+", "<digits>\\+: only <digits> is said in a row"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(text: str, why: str) -> None:
    with pytest.raises(PhraseError, match=why):
        parse(text)


@given(st.text(alphabet="ab []()|<>day+'. 1Z", max_size=60))
def test_any_text_is_a_phrase_or_refused(text: str) -> None:
    try:
        phrase = parse(text)
    except PhraseError:
        return
    spoken = said(phrase)
    assert spoken
    assert set(spoken.split()) <= set(words(phrase))


@given(st.sampled_from(sorted(SLOT_PHRASES)), st.randoms(use_true_random=False))
def test_every_example_of_a_slot_is_found_again(name: str, chance: object) -> None:
    spoken = said(SLOT_PHRASES[name], chance.randrange)  # type: ignore[attr-defined]  # a Random
    text = "".join(f"{word} " for word in spoken.split())
    assert re.fullmatch(pattern(Slot(name)), text)
