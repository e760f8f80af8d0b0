"""Takes out one defence after the other, in a copy, and shows which tests miss it.

    python -m tests.security.defences [word of a name or of its tests ...]

A defence whose tests still pass without it is an error: then nothing holds it. So is a test that
fails before anything is taken out: then it says nothing. All of them take minutes; the rows of
docs/defences.md are renewed one by one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.security.taken_out import DEFENCES, Defence

ROOT = Path(__file__).parents[2]
PAPER = ROOT / "docs" / "defences.md"
LIMIT_S = 240.0
HEAD = """\
# Defences

Written by `python -m tests.security.defences`, which takes each one out of a copy of the source and
runs the tests that must miss it; do not edit. `tests/security/taken_out.py` says which line goes.

| defence | where | tests that fail without it |
|---|---|---|
"""


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of what git knows of this source."""
    with tempfile.TemporaryDirectory(prefix="callfunnel-defences-") as folder:
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        )  # fmt: skip
        for name in filter(None, listed.stdout.splitlines()):
            if (ROOT / name).is_file():
                (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, Path(folder) / name)
        yield Path(folder)


def missed(copy: Path, defence: Defence) -> list[str]:
    """The tests that fail without the defence; [] when none does."""
    file = copy / defence.file
    whole = file.read_text()
    file.write_text(whole.replace(defence.line, defence.instead))
    try:
        return failures(copy, defence.tests)
    finally:
        file.write_text(whole)


def failures(copy: Path, tests: Iterable[str]) -> list[str]:
    words = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [*words, *tests], cwd=copy, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return []
    return re.findall(r"^(?:FAILED|ERROR) (\S+?::\w+)", done.stdout, re.MULTILINE)


def row(defence: Defence, failed: list[str]) -> str:
    """One line of the table: a test once, however many of its cases fail."""
    names = list(dict.fromkeys(each.rpartition("::")[2] for each in failed))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    shown = ", ".join(f"`{name}`" for name in names[:3])
    return f"| {defence.name} | `{defence.file}` | {shown}{more} |\n"


def known_rows() -> dict[str, str]:
    """The table as it is, by defence."""
    lines = PAPER.read_text().splitlines(keepends=True) if PAPER.exists() else []
    found = {line.split(" | ")[0].removeprefix("| "): line for line in lines}
    return {each.name: found[each.name] for each in DEFENCES if each.name in found}


def keep(defence: Defence, failed: list[str]) -> None:
    """Writes one row, in its place; none for a defence that nothing holds."""
    rows = known_rows()
    rows.pop(defence.name, None)
    rows |= {defence.name: row(defence, failed)} if failed else {}
    PAPER.write_text(HEAD + "".join(rows[each.name] for each in DEFENCES if each.name in rows))


def is_chosen(defence: Defence, words: list[str]) -> bool:
    return not words or any(
        word in each for word in words for each in (defence.name, *defence.tests)
    )


def main(words: list[str]) -> int:
    chosen = [each for each in DEFENCES if is_chosen(each, words)]
    held = 0
    with copied() as copy:
        if broken := failures(copy, dict.fromkeys(test for each in chosen for test in each.tests)):
            print(f"these fail with every defence in place: {', '.join(broken)}")
            return 1
        for defence in chosen:
            failed = missed(copy, defence)
            print(f"{'ok  ' if failed else 'HOLE'} {defence.name}: {len(failed)} fail", flush=True)
            keep(defence, failed)
            held += bool(failed)
    print(f"{held} of {len(chosen)} defences are held by a test")
    return 0 if held == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
