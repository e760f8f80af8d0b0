"""How much of a text was heard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.media.core.speech import ItemText, Speech, covers, heard_text

TEXT = "Your bill went up because the discount ended."


@pytest.mark.parametrize(
    ("heard", "text"),
    [(0, ""), (80, ""), (150, "Your"), (250, "Your bill"), (1000, TEXT), (2000, TEXT)],
)
def test_in_proportion_back_to_the_last_whole_word(heard: int, text: str) -> None:
    assert heard_text(ItemText(TEXT), heard, 1000) == text


def test_word_ends_are_exact() -> None:
    known = ItemText("one two three", (100, 900, 1000))
    assert heard_text(known, 899, 1000) == "one"
    assert heard_text(known, 900, 1000) == "one two"


def test_word_ends_that_do_not_fit_the_words_are_not_used() -> None:
    assert heard_text(ItemText("one two three", (100,)), 1000, 1000) == "one two three"


@given(st.text(max_size=80), st.integers(0, 2000), st.integers(0, 2000))
def test_what_was_heard_is_a_beginning_of_the_text(text: str, heard: int, queued: int) -> None:
    assert text.strip().startswith(heard_text(ItemText(text), heard, queued))


def test_texts_of_items_that_never_come_are_not_kept_for_ever() -> None:
    speech = Speech()
    for number in range(1000):
        speech.text(f"i{number}", ItemText("x"))
    assert speech.known("i0").text == ""
    assert speech.known("i999").text == "x"


def test_a_protected_sentence_covers_its_own_part_only() -> None:
    text = "Hello. This call is recorded. How are you?"
    inside = text.index("call") * 100 // len(text)
    assert covers(text, ("This call is recorded.",), inside, 100)
    assert not covers(text, ("This call is recorded.",), 0, 100)
    assert not covers(text, ("This call is recorded.",), 95, 100)
    assert not covers(text, ("Not in it.",), inside, 100)
