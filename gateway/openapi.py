"""`python -m gateway.openapi [--check]`: writes docs/openapi.json, or says that it is stale."""

import json
import sys
from pathlib import Path

from gateway.app import routes

FILE = Path(__file__).parents[1] / "docs" / "openapi.json"


def document() -> str:
    """The OpenAPI document as text."""
    return json.dumps(routes().openapi(), indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Exit status: 1 when the file is stale and only a check was asked for."""
    text = document()
    if "--check" not in arguments:
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(text, encoding="utf-8")
        return 0
    if FILE.exists() and FILE.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write("docs/openapi.json is stale: run `python -m gateway.openapi`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
