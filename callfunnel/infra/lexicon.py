"""How words sound: the pronunciation dictionary that comes with the offline recogniser's model.

Read by those who check phrases and by the recogniser itself. The file is scanned per question
(about 40 ms) instead of being kept: 135,000 words would cost each process 30 MB.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

_VARIANT = re.compile(rb"\(\d+\)$")


def model_folder() -> Path:
    """The acoustic model and dictionary of the installed recogniser. Raises LookupError."""
    found = importlib.util.find_spec("pocketsphinx")
    if found is None or not found.submodule_search_locations:
        raise LookupError("the offline recogniser (pocketsphinx) is not installed")
    return Path(found.submodule_search_locations[0]) / "model" / "en-us"


def pronunciations(words: Iterable[str]) -> dict[str, list[str]]:
    """The known ones of `words`, each with all its pronunciations, phones separated by spaces."""
    wanted = {word.encode() for word in words}
    found: dict[str, list[str]] = {}
    for line in _lines():
        name, _, phones = line.partition(b" ")
        word = _VARIANT.sub(b"", name) if name.endswith(b")") else name
        if word in wanted:
            found.setdefault(word.decode(), []).append(phones.decode().strip())
    return found


def unknown(words: Iterable[str]) -> set[str]:
    """Those of `words` that the recogniser can never hear, since it knows no sound for them."""
    wanted = set(words)
    return wanted - pronunciations(wanted).keys()


@cache
def _dictionary() -> Path:
    return model_folder() / "cmudict-en-us.dict"


def _lines() -> Iterator[bytes]:
    with _dictionary().open("rb") as lines:
        yield from lines
