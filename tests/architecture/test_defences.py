"""The list of defences is of this source: each line is where the list says, once."""

import re

import pytest

from tests.security.defences import PAPER, ROOT
from tests.security.taken_out import DEFENCES, Defence


@pytest.mark.parametrize("defence", DEFENCES, ids=lambda each: each.name)
def test_a_defence_is_one_place_that_can_be_taken_out(defence: Defence) -> None:
    assert (ROOT / defence.file).read_text().count(defence.line) == 1
    for test in defence.tests:
        file, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text() or not name


def test_every_defence_was_seen_to_be_missed() -> None:
    """A row of the table is written by `python -m tests.security.defences`, when tests failed."""
    told = re.findall(r"^\| ([^|`]+) \| `", PAPER.read_text(), re.MULTILINE)
    assert told == [each.name for each in DEFENCES]
