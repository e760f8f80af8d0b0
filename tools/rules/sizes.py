"""Small functions, small modules: hard limits fail, softer ones are counted."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tools.tree import Source

FUNCTION_LIMIT, FUNCTION_LONG = 60, 25
MODULE_LIMIT, MODULE_LONG = 400, 150
POSITIONAL_LIMIT = 5

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Count:
    """What the check prints when all is well."""

    modules: int = 0
    functions: int = 0
    long_modules: int = 0
    long_functions: int = 0

    def __str__(self) -> str:
        return (
            f"{self.modules} modules ({self.long_modules} over {MODULE_LONG} lines), "
            f"{self.functions} functions ({self.long_functions} over {FUNCTION_LONG})"
        )


def functions(tree: ast.AST) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def problems(sources: Iterable[Source]) -> list[str]:
    return [problem for source in sources for problem in _of(source)]


def _of(source: Source) -> Iterator[str]:
    if source.lines > MODULE_LIMIT:
        yield f"{source.path}: {source.lines} lines, at most {MODULE_LIMIT}: split it by idea"
    for function in functions(source.tree):
        where = f"{source.path}:{function.lineno}: {function.name}"
        if length(function) > FUNCTION_LIMIT:
            yield f"{where} has {length(function)} lines, at most {FUNCTION_LIMIT}"
        arguments = function.args.posonlyargs + function.args.args
        taken = [each for each in arguments if each.arg not in ("self", "cls")]
        # Fixtures and cases come by name, whatever the order: a test has as many as it needs.
        if len(taken) > POSITIONAL_LIMIT and not source.path.startswith("tests/"):
            yield f"{where} takes {len(taken)} positional parameters, at most {POSITIONAL_LIMIT}"


def count(sources: Iterable[Source]) -> Count:
    total = Count()
    for source in sources:
        total.modules += 1
        total.long_modules += source.lines > MODULE_LONG
        for function in functions(source.tree):
            total.functions += 1
            total.long_functions += length(function) > FUNCTION_LONG
    return total
