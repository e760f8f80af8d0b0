"""Decisions are pure: no coroutine, no clock and no I/O in the core, the domain or any rules.py.

import-linter forbids the imports, transitively; this forbids what needs no import.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from tools.tree import Source

PURE = re.compile(
    r"callfunnel\.(domain|events|carrier)(\..*)?|workers\.media\.core(\..*)?|.*\.rules"
)
# The generator writes files and is run by hand; it is the only part of the catalogue that does.
EXEMPT = ("callfunnel.events.generator", "callfunnel.events.__main__")
CALLS = frozenset({"open", "print", "input", "exec", "eval", "now", "utcnow", "today"})


def problems(sources: Iterable[Source]) -> list[str]:
    return [
        f"{source.path}:{line}: {what} in a pure module: hand the value in instead"
        for source in sources
        if PURE.fullmatch(source.module) and not source.module.startswith(EXEMPT)
        for line, what in _impure(source.tree)
    ]


def _impure(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.AsyncFunctionDef():
                yield node.lineno, f"async def {node.name}"
            case ast.Await():
                yield node.lineno, "await"
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in CALLS:
                yield node.lineno, f"{name}()"
