"""How alike words sound, so that "hi" may stand for "high" and "go" for "so". Pure."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

ALIKE: Final = 0.5
"""Words less alike than this are simply different."""


class Sounds:
    """The words of a script by their phones (one or more pronunciations each)."""

    def __init__(self, pronunciations: Mapping[str, Sequence[str]]) -> None:
        self._phones = {
            word: [tuple(variant.split()) for variant in variants]
            for word, variants in pronunciations.items()
        }
        self._rows: dict[str, dict[str, float]] = {}

    def like(self, heard: str) -> dict[str, float]:
        """Every word that sounds like the heard one, from ALIKE to 1.0 (the same)."""
        if heard not in self._rows:
            row = {heard: 1.0}
            for word, variants in self._phones.items():
                near = max(
                    (
                        likeness(one, other)
                        for one in self._phones.get(heard, ())
                        for other in variants
                    ),
                    default=0.0,
                )
                if near >= ALIKE and word != heard:
                    row[word] = near
            self._rows[heard] = row
        return self._rows[heard]


@lru_cache(maxsize=100_000)
def likeness(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    """1.0 for the same phones, less for every phone that is wrong, missing or too many."""
    row = list(range(len(other) + 1))
    for n, phone in enumerate(one, 1):
        above, row[0] = row[0], n
        for m, expected in enumerate(other, 1):
            changed = above + (phone != expected)
            above, row[m] = row[m], min(changed, row[m] + 1, row[m - 1] + 1)
    longest = max(len(one), len(other))
    return 1 - row[-1] / longest if longest else 0.0
