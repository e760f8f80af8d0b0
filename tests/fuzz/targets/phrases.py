"""Phrases of the offline agent: a phrase, or PhraseError; an example of it matches its pattern."""

import random
import re

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
    assert re.fullmatch(phrases.pattern(phrase), "".join(f"{word} " for word in said))


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
