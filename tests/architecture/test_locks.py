"""The locks pin and hash everything, agree with each other, and hold what the project asks for."""

import re
import tomllib

import pytest

from tools.tree import ROOT

LOCKS = ("run", "dev", "installer")
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


def text(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.lock").read_text()


def pins(name: str) -> set[tuple[str, str]]:
    return set(PIN.findall(text(name)))


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_and_hashed(name: str) -> None:
    packages = re.split(r"\n(?=[a-z0-9])", text(name).strip())
    assert packages
    assert [each for each in packages if not PIN.match(each) or "--hash=sha256:" not in each] == []


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_names_an_index(name: str) -> None:
    assert not re.search(r"://|--(extra-)?index|--find-links|--trusted", text(name))


def test_what_runs_is_what_was_tested() -> None:
    assert pins("run") - pins("dev") == set()


def test_every_dependency_of_the_project_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = {
        re.split(r"[\[<>=~;!]", each, maxsplit=1)[0].strip().lower().replace(".", "-")
        for each in project["project"]["dependencies"]
    }
    assert asked - {name for name, _ in pins("run")} == set()
