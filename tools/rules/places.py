"""The repository names no package index and no folder of the machine it was written on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.tree import ROOT

# Taken apart, so that this file does not name what it looks for.
INDEXES = (
    ("pypi", "org"),
    ("files", "pythonhosted", "org"),
    ("proxy", "golang", "org"),
    ("registry", "npmjs", "org"),
    ("registry", "yarnpkg", "com"),
    ("index", "crates", "io"),
)
HOMES = r"(?<![\w.~}$/-])/(?:root|work|Users/\w+|home/\w+)/\w"
BINARY = frozenset({".wav", ".png", ".ico", ".woff2", ".flac", ".gz"})
WANTED = re.compile("|".join([*(re.escape(".".join(parts)) for parts in INDEXES), HOMES]))


def problems(paths: Iterable[str]) -> list[str]:
    return [problem for path in paths for problem in _of(path)]


def _of(path: str) -> Iterator[str]:
    if Path(path).suffix in BINARY:
        return
    text = (ROOT / path).read_text(errors="replace")
    if path.endswith(".lock") and "://" in text:
        yield f"{path}: a lock names packages and hashes, never an address"
    for number, line in enumerate(text.splitlines(), 1):
        if WANTED.search(line) or str(ROOT) in line:
            yield f"{path}:{number}: an index's host or a machine's own path: {line.strip()[:80]}"
