"""No subject string outside the catalogue: `subject_of(...)` builds them all."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from tools.tree import Source

CATALOGUE = "callfunnel.events"
SUBJECT = re.compile(r"(cf|dead)\.([*>{a-z]|$)")


def problems(sources: Iterable[Source]) -> list[str]:
    return [
        f"{source.path}:{line}: subject {text!r} outside the catalogue: use subject_of(...)"
        for source in sources
        if not source.module.startswith(CATALOGUE)
        for line, text in _subjects(source.tree)
    ]


def _subjects(tree: ast.Module) -> Iterator[tuple[int, str]]:
    explanations = _docstrings(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in explanations:
                if SUBJECT.match(text):
                    yield node.lineno, text


def _docstrings(tree: ast.Module) -> set[int]:
    """Strings that stand alone explain something; they send nothing."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
