"""What the papers say about the tree is so: paths exist, decisions are numbered once."""

import re
from pathlib import Path

import pytest

from tools.tree import ROOT

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PAPERS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *DECISIONS,
]
TOP = "callfunnel|workers|gateway|tests|tools|docs|bench|console|requirements"
NAMED = re.compile(rf"[`(]((?:{TOP})/[\w./-]+)[`)]")
ONE_SCREEN = 60
"""Lines of a terminal on a desk."""


def path_id(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("paper", PAPERS, ids=path_id)
def test_every_path_a_paper_names_is_there(paper: Path) -> None:
    named = NAMED.findall(paper.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("decision", DECISIONS, ids=path_id)
def test_a_decision_is_one_screen_with_four_parts_under_its_own_number(decision: Path) -> None:
    lines = decision.read_text().splitlines()
    assert lines[0].startswith(f"# {int(decision.name[:4])}. ")
    assert len(lines) <= ONE_SCREEN
    parts = re.findall(r"^(?:\*\*|## )([A-Z][a-z ]+)", "\n".join(lines), re.MULTILINE)
    assert parts == ["Context", "Decision", "Consequences", "Enforced by"]


def test_no_two_decisions_share_a_number() -> None:
    numbers = [decision.name[:4] for decision in DECISIONS]
    assert len(numbers) == len(set(numbers))


def test_unit_tests_lie_where_what_they_test_lies() -> None:
    unit = ROOT / "tests" / "unit"
    folders = {test.parent.relative_to(unit) for test in unit.rglob("test_*.py")}
    assert [str(folder) for folder in folders if not (ROOT / folder).is_dir()] == []
