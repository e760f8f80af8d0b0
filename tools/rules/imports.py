"""Which module may know which vendor: the table `[tool.callfunnel.vendors]` of pyproject.toml.

Layers and independence are import-linter's; this is about third parties, in one readable table.
"""

from __future__ import annotations

import ast
import fnmatch
import tomllib
from collections.abc import Iterable, Iterator, Mapping

from tools.tree import ROOT, Source

Table = Mapping[str, list[str]]


def vendors() -> Table:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    table: Table = settings["tool"]["callfunnel"]["vendors"]
    return table


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every absolute import, also those inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def problems(sources: Iterable[Source], table: Table) -> list[str]:
    return [problem for source in sources for problem in _of(source, table)]


def _of(source: Source, table: Table) -> Iterator[str]:
    for line, name in imported(source.tree):
        vendor = name.split(".", 1)[0]
        allowed = table.get(vendor)
        if allowed is None or any(fnmatch.fnmatchcase(source.module, each) for each in allowed):
            continue
        places = ", ".join(allowed)
        yield f"{source.path}:{line}: {vendor} is known only to {places}: go through that module"
