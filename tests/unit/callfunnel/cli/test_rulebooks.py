"""A rule book is written where one asks, or it is said why not."""

from pathlib import Path
from typing import Any

import pytest

from callfunnel.cli import stack
from callfunnel.cli.__main__ import main


class Answers:
    """An API that knows one rule book."""

    def __init__(self, _: object) -> None:
        pass

    def get(self, _: str) -> dict[str, Any]:
        return {"document": "agent: a\n", "version": 1, "problems": []}


@pytest.fixture(autouse=True)
def api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "running", lambda home: home)
    monkeypatch.setattr(stack, "Api", Answers)


def test_it_is_written_to_the_file_one_names(tmp_path: Path) -> None:
    assert main(["rulebook", "get", "a", "--out", str(tmp_path / "a.yaml")]) == 0
    assert (tmp_path / "a.yaml").read_text() == "agent: a\n"


def test_a_file_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rulebook", "get", "a", "--out", str(tmp_path / "none" / "a.yaml")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "cannot be written" in said
