"""Decisions are pure: no coroutine, no clock and no I/O where the contract says so.

import-linter forbids the imports, transitively; this forbids what needs no import, in the same
modules: those of the contract `Decisions are pure` in pyproject.toml.
"""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from collections.abc import Iterable, Iterator

from tools.tree import ROOT, Source

# The generator writes files and is run by hand; it is the only part of the catalogue that does.
EXEMPT = ("callfunnel.events.generator", "callfunnel.events.__main__")
BUILTINS = frozenset({"open", "print", "input", "exec", "eval"})
CLOCKS = frozenset({"now", "utcnow", "today"})


@functools.cache
def pure() -> re.Pattern[str]:
    """The modules of the contract, each with everything below it; `*` is one part of a name."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (contract,) = (each for each in linter["contracts"] if "Decisions are pure" in each["name"])
    names = (re.escape(name).replace(r"\*", r"[^.]+") for name in contract["source_modules"])
    return re.compile(rf"({'|'.join(names)})(\..*)?")


def problems(sources: Iterable[Source]) -> list[str]:
    return [
        f"{source.path}:{line}: {what} in a pure module: hand the value in instead"
        for source in sources
        if pure().fullmatch(source.module) and not source.module.startswith(EXEMPT)
        for line, what in _impure(source.tree)
    ]


def _impure(tree: ast.Module) -> Iterator[tuple[int, str]]:
    own = _bound(tree)
    for node in ast.walk(tree):
        match node:
            case ast.AsyncFunctionDef():
                yield node.lineno, f"async def {node.name}"
            case ast.Await():
                yield node.lineno, "await"
            case ast.Call(func=ast.Name(id=name)) if name in BUILTINS - own:
                yield node.lineno, f"{name}()"
            case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCKS:
                yield node.lineno, f".{name}()"


def _bound(tree: ast.Module) -> set[str]:
    """Names that the module itself gives a meaning, and which are therefore no builtins."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name for alias in aliases}
    return names
