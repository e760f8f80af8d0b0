"""Phrases of the offline agent: a phrase, or PhraseError; an example of it is one way to say it."""

import random
from collections.abc import Sequence

from callfunnel.domain import phrases
from tests.fuzz.target import Target


def check(data: bytes) -> None:
    try:
        phrase = phrases.parse(data.decode("utf-8", "replace"))
    except phrases.PhraseError:
        return
    words = set(phrases.words(phrase))
    said = list(phrases.example(phrase, random.Random(0).randrange))
    assert set(said) <= words
    assert set(phrases.slots(phrase)) <= set(phrases.SLOTS)
    assert len(said) in ends(phrase, said, {0})


def ends(phrase: phrases.Phrase, said: Sequence[str], starts: set[int]) -> set[int]:
    """Where a phrase that begins at one of `starts` may end; in time that grows evenly."""
    match phrase:
        case phrases.Word(text):
            return {at + 1 for at in starts if at < len(said) and said[at] == text}
        case phrases.Slot(name, more):
            found = reached = ends(phrases.SLOT_PHRASES[name], said, starts)
            while more and reached:
                reached = ends(phrases.SLOT_PHRASES[name], said, reached) - found
                found = found | reached
            return found
        case phrases.Sequence(parts):
            for part in parts:
                starts = ends(part, said, starts)
            return starts
        case phrases.Choice(options, optional):
            each = [ends(option, said, starts) for option in options]
            return set().union(*each, starts if optional else set())


TARGET = Target(
    check=check,
    seeds=(
        b"why is my [last] bill so (high | expensive)",
        b"call me <day> [at] <time>",
        b"<digits> | (a | b [c (d | e)])",
    ),
    tokens=("<day>", "<time>", "<digits>", "<digit>+", " | ", "[", "]", "(", ")"),
    most_bytes=450,
)
