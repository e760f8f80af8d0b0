"""Two versions in one interleaved run: A B A B …, so that a drifting machine favours neither.

The other version is a worktree of its commit with this version's `bench` and `tests` laid over it:
the same bench measures both products. One whose product is too different for that (a module has
moved) is measured by its own bench, and figures of the same name are compared. Both share this
environment.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench.harness.figures import told
from bench.harness.kept import FOLDER
from bench.harness.run import Record

ROOT: Final = FOLDER.parent
_LAID_OVER: Final = ("bench", "tests")


def is_commit(ref: str) -> bool:
    """Whether `ref` names a commit of this repository."""
    git = ["git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet", "--end-of-options"]
    asked = subprocess.run([*git, f"{ref}^{{commit}}"], stdout=subprocess.DEVNULL, check=False)
    return asked.returncode == 0


def compare(ref: str, words: Sequence[str], rounds: int) -> str:
    """A table: each figure of `ref` and of this tree, and how they relate."""
    theirs: list[Record] = []
    ours: list[Record] = []
    with tempfile.TemporaryDirectory(prefix="cf-bench-") as folder, _tree(ref, folder) as other:
        for _ in range(rounds):
            theirs.append(_measured_there(ref, other, words))
            ours.append(measured_by(ROOT, words))
    return table(ref, theirs, ours)


def _measured_there(ref: str, tree: Path, words: Sequence[str]) -> Record:
    """By this version's bench or, once that has failed there, by the version's own."""
    try:
        return measured_by(tree, words)
    except subprocess.CalledProcessError:
        if _is_own(tree):
            raise
    print(f"-- this tree's bench does not run at {ref}: its own one does")
    _take_away(tree)
    _git(tree, "checkout", "--quiet", "HEAD", "--", *_LAID_OVER)
    return measured_by(tree, words)


def _is_own(tree: Path) -> bool:
    git = ["git", "-C", str(tree), "status", "--porcelain", "--", *_LAID_OVER]
    return not subprocess.run(git, capture_output=True, check=True).stdout


def table(ref: str, theirs: Sequence[Record], ours: Sequence[Record]) -> str:
    """Medians over the rounds; a ratio below 1 is less than `ref` has."""
    names = dict.fromkeys(figure.what for record in ours for figure in record.figures)
    lines = [f"| what | {ref} | this tree | ratio | ratios by round |", "|---|---|---|---|---|"]
    for what in names:
        before, after = _values(theirs, what), _values(ours, what)
        if before and after and len(before) == len(after):
            lines.append(f"| {what} | {_line(before, after)} |")
    return "\n".join(lines)


def _line(before: list[float], after: list[float]) -> str:
    ratios = [_ratio(*pair) for pair in zip(before, after, strict=True)]
    middle = (statistics.median(before), statistics.median(after))
    by_round = " ".join(f"{ratio:.2f}" for ratio in ratios)
    return f"{told(middle[0])} | {told(middle[1])} | {statistics.median(ratios):.2f} | {by_round}"


def _ratio(before: float, after: float) -> float:
    """Of nothing to nothing it is 1: both are the same."""
    if before == after:
        return 1.0
    return after / before if before else float("inf")


def _values(records: Sequence[Record], what: str) -> list[float]:
    return [each.value for record in records for each in record.figures if each.what == what]


@contextlib.contextmanager
def _tree(ref: str, folder: str) -> Iterator[Path]:
    """A worktree of `ref`, measured by the benches of this tree."""
    tree = Path(folder) / "tree"
    _git(ROOT, "worktree", "add", "--quiet", "--detach", str(tree), ref)
    try:
        _take_away(tree)
        for each in _LAID_OVER:
            shutil.copytree(ROOT / each, tree / each)
        yield tree
    finally:
        _git(ROOT, "worktree", "remove", "--force", str(tree))


def _take_away(tree: Path) -> None:
    for each in _LAID_OVER:
        shutil.rmtree(tree / each, ignore_errors=True)


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True)


def measured_by(tree: Path, words: Sequence[str]) -> Record:
    """One measurement by the version in `tree`; figures that miss their reach count like others."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [sys.executable, "-P", "-m", "bench", *words, "--json", out.name]
        environment = {**os.environ, "PYTHONPATH": str(tree)}
        print(f"-- {tree.name if tree != ROOT else 'this tree'}", flush=True)
        status = subprocess.run(command, cwd=tree, env=environment, check=False).returncode
        kept = Path(out.name).read_bytes()
        if not kept:  # a figure that misses its reach is status 1, too, and has its record
            raise subprocess.CalledProcessError(status, command)
        return msgspec.json.decode(kept, type=Record)
