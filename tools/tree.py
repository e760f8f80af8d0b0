"""The files that the checks read: what git tracks or would track, parsed once."""

from __future__ import annotations

import ast
import functools
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("callfunnel", "workers", "gateway")


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the root, its dotted module name, its text and its tree."""

    path: str
    text: str

    @property
    def module(self) -> str:
        name = self.path.removesuffix(".py").replace("/", ".")
        return name.removesuffix(".__init__")

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def lines(self) -> int:
        return self.text.count("\n")


def files() -> list[str]:
    """Every file of the repository, new ones included; none that is ignored or gone."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return sorted(path for path in set(listed) if (ROOT / path).is_file())


def sources(*roots: str) -> Iterator[Source]:
    """The Python files under these folders; the product's when none is named."""
    for path in files():
        if path.endswith(".py") and path.split("/", 1)[0] in (roots or PRODUCT):
            yield Source(path, (ROOT / path).read_text())
