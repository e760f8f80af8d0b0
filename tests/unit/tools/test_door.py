"""`./cf` hands on what it is given and makes an environment only when there is a reason to."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.tree import ROOT

Door = Callable[..., subprocess.CompletedProcess[str]]
ECHO = '#!/bin/sh\necho "$(pwd)|$PYTHONPATH|$*"\n'


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """An environment whose Python only says how it was started."""
    folder = tmp_path / "venv"
    program(folder / "bin/python", ECHO)
    for kind in ("run", "dev"):
        shutil.copyfile(ROOT / f"requirements/{kind}.lock", folder / f"installed-{kind}.lock")
    return folder


@pytest.fixture
def door(tmp_path: Path, venv: Path) -> Door:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def run(*words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        own = {"CALLFUNNEL_VENV": str(venv), "CALLFUNNEL_PYTHON": "", "PYTHONPATH": ""}
        return subprocess.run(
            [str(ROOT / "cf"), *words],
            cwd=elsewhere,
            env={**os.environ, **own, **changes},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_everything_else_goes_to_the_command_line_from_where_the_user_is(
    door: Door, tmp_path: Path
) -> None:
    started = door("call", "a b.wav", "--json").stdout
    assert started == f"{tmp_path}/elsewhere|{ROOT}|-P -m callfunnel.cli call a b.wav --json\n"


@pytest.mark.parametrize(
    ("word", "module"),
    [("test", "tools.tests"), ("check", "tools.check"), ("bench", "bench")],
)
def test_what_concerns_the_repository_runs_in_it(door: Door, word: str, module: str) -> None:
    assert door(word, "-k", "x").stdout == f"{ROOT}|{ROOT}|-P -m {module} -k x\n"


def test_the_door_may_be_a_link(door: Door, venv: Path, tmp_path: Path) -> None:
    link = tmp_path / "callfunnel"
    link.symlink_to(ROOT / "cf")
    done = subprocess.run(
        [str(link), "calls"],
        env={**os.environ, "CALLFUNNEL_VENV": str(venv)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "-P -m callfunnel.cli calls" in done.stdout


def test_a_changed_lock_makes_the_environment_anew(door: Door, venv: Path, tmp_path: Path) -> None:
    for kind in ("run", "dev"):
        (venv / f"installed-{kind}.lock").write_text("older==1\n")
    python = program(tmp_path / "python", ECHO)
    lines = door("calls", CALLFUNNEL_PYTHON=str(python)).stdout.splitlines()
    assert lines[0].endswith(f"-I {ROOT}/tools/environment.py run {venv}")
    assert lines[1].endswith("-P -m callfunnel.cli calls")


def test_testing_needs_more_than_running(door: Door, venv: Path, tmp_path: Path) -> None:
    (venv / "installed-dev.lock").unlink()
    python = program(tmp_path / "python", ECHO)
    assert len(door("calls", CALLFUNNEL_PYTHON=str(python)).stdout.splitlines()) == 1
    assert "environment.py dev" in door("test", CALLFUNNEL_PYTHON=str(python)).stdout


def test_a_failed_environment_ends_the_command(door: Door, venv: Path, tmp_path: Path) -> None:
    (venv / "bin/python").unlink()
    text = '#!/bin/sh\ncase "$*" in *environment.py*) exit 1;; esac\n'
    done = door("calls", CALLFUNNEL_PYTHON=str(program(tmp_path / "python", text)))
    assert (done.returncode, done.stdout) == (1, "")


def test_a_machine_without_python_is_told_what_to_install(
    door: Door, venv: Path, tmp_path: Path
) -> None:
    (venv / "bin/python").unlink()
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "readlink", "dirname", "cmp"):
        (tools / name).symlink_to(shutil.which(name) or "")
    done = door("calls", PATH=str(tools))
    assert done.returncode == 1
    assert "apt install python3 python3-venv" in done.stderr
