"""A generated page: written, or held against what it should be."""

import sys
from collections.abc import Sequence
from pathlib import Path


def main(page: Path, text: str, arguments: Sequence[str], command: str) -> int:
    """Exit status: 1 when the page is stale and only a check was asked for (`--check`)."""
    if "--check" not in arguments:
        page.write_text(text, encoding="utf-8")
        return 0
    if page.exists() and page.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"docs/{page.name} is stale: run `{command}`\n")
    return 1
