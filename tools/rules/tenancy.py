"""Nobody forgets the tenant: it comes first in every function that reads or writes its data.

And one function opens connections that see a tenant's rows, so that nobody goes round it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from tools.rules.sizes import Function
from tools.tree import Source

STORES = re.compile(
    r"(workers|gateway)\..*\.?store|callfunnel\.infra\.(secrets|sealed|vault|objects)"
)
OPENER = "callfunnel.infra.postgres"
# Schema and roles are the platform's own: set up by the owner before any tenant exists.
SET_UP = ("callfunnel.infra.migrate", "callfunnel.infra.roles", "callfunnel.local")
LIFECYCLE = frozenset({"start", "stop", "close", "open", "ready", "present"})
OPENING = re.compile(
    r"\bpsycopg\.connect$|\b(Async)?Connection\.connect$|\b(Async)?ConnectionPool$"
)
SETTING = "callfunnel.tenant"
PLATFORM_WIDE = "platform_connection"
_KINDS = (ast.FunctionDef, ast.AsyncFunctionDef)


def problems(sources: Iterable[Source]) -> list[str]:
    return [problem for source in sources for problem in _of(source)]


def _of(source: Source) -> Iterator[str]:
    if STORES.fullmatch(source.module):
        yield from _unnamed_tenant(source)
    if source.module != OPENER and not source.module.startswith(SET_UP):
        yield from _own_connection(source)


def _unnamed_tenant(source: Source) -> Iterator[str]:
    for function in _public(source.tree):
        if not _takes_tenant(function):
            yield (
                f"{source.path}:{function.lineno}: {function.name} must take TenantId first: "
                "a store function that knows no tenant serves all of them"
            )


def _public(tree: ast.Module) -> Iterator[Function]:
    """What others call to reach rows, objects or secrets: methods, and functions that await."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from (each for each in node.body if isinstance(each, _KINDS) and _concerns(each))
        elif isinstance(node, ast.AsyncFunctionDef) and _concerns(node):
            yield node


def _concerns(function: Function) -> bool:
    """Constructors make a store and LIFECYCLE opens or asks after it: neither touches a row.

    A function that says `platform_connection` sees no tenant's rows: row-level security hides them.
    """
    decorated = {ast.unparse(each).split("(")[0] for each in function.decorator_list}
    own = function.name.startswith("_") or function.name in LIFECYCLE
    made = decorated & {"classmethod", "staticmethod", "property"}
    return not (own or made or PLATFORM_WIDE in _names(function))


def _names(function: Function) -> set[str]:
    return {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}


def _takes_tenant(function: Function) -> bool:
    arguments = function.args.posonlyargs + function.args.args
    taken = [each for each in arguments if each.arg not in ("self", "cls")]
    # A unit of work that was opened for one tenant carries it: psycopg's scoped connection first.
    named = [ast.unparse(each.annotation) if each.annotation else "" for each in taken[:2]]
    return any("TenantId" in name for name in named[:1]) or (
        len(named) == 2 and "Connection" in named[0] and "TenantId" in named[1]
    )


def _own_connection(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and _opens(node.func):
            yield f"{source.path}:{node.lineno}: only {OPENER} opens connections to Postgres"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SETTING in node.value:
            yield f"{source.path}:{node.lineno}: only {OPENER} says whose rows are seen"


def _opens(function: ast.expr) -> bool:
    return bool(OPENING.search(ast.unparse(function)))
