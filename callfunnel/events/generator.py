"""Writes what is generated from the catalogue, or says what is stale.

python -m callfunnel.events.generator [--check]

`subjects.md` is for people, `docs/asyncapi.yaml` for machines.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from callfunnel.events import asyncapi, markdown
from callfunnel.events.catalogue import FAMILIES, definitions
from callfunnel.events.message import Definition

ROOT = Path(__file__).parents[2]


def ordered() -> list[Definition]:
    """Every message, family by family as the catalogue lists them."""
    modules = [family.__name__ for family in FAMILIES]
    return sorted(definitions(), key=lambda row: modules.index(row.cls.__module__))


def documents() -> dict[str, str]:
    """Every generated file by its path from the root, with its text."""
    rows = ordered()
    return {
        "subjects.md": markdown.page(rows),
        "docs/asyncapi.yaml": _yaml(asyncapi.document(rows)),
    }


def stale(root: Path) -> list[str]:
    """The generated files that are missing or not what they should be."""
    return [
        name
        for name, text in documents().items()
        if not (root / name).is_file() or (root / name).read_text() != text
    ]


def main(arguments: list[str]) -> int:
    if "--check" in arguments:
        for name in (old := stale(ROOT)):
            sys.stderr.write(f"{name} is stale: run python -m callfunnel.events.generator\n")
        return 1 if old else 0
    for name, text in documents().items():
        (ROOT / name).parent.mkdir(exist_ok=True)
        (ROOT / name).write_text(text)
    return 0


def _yaml(document: asyncapi.Json) -> str:
    """Block YAML; every text is quoted as in JSON, which YAML reads alike."""
    return "# Generated from callfunnel/events; do not edit.\n" + "".join(_block(document, ""))


def _block(node: asyncapi.Json | list[Any], indent: str) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _entry(f"{indent}{json.dumps(key)}:", value, indent)
    else:
        for value in node:
            yield from _entry(f"{indent}-", value, indent)


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield f"{head}\n"
        yield from _block(value, indent + "  ")
    else:
        yield f"{head} {json.dumps(value, ensure_ascii=False)}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
