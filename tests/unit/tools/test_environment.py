"""The environment's maker: what counts as installed, and what a failure means for the user."""

import shutil
from pathlib import Path

import pytest

from tools import environment


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("Temporary failure in name resolution", "no network"),
        ("error: dns error: failed to lookup address", "no network"),
        ("Hash mismatch for `x==1`", "not the one the lock names"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "not the one the lock names"),
        ("No matching distribution found for x==1", "lacks a version"),
        ("something\nquite new\n\n", "the installer failed: quite new"),
        ("", "it said nothing"),
    ],
)
def test_a_failure_is_explained_in_one_line(output: str, reason: str) -> None:
    explained = environment.explain(output)
    assert reason in explained
    assert "\n" not in explained


def test_what_pip_was_told_is_told_to_uv() -> None:
    listed = (
        ":env:.timeout='180'\n"
        "global.index-url='https://mirror.example/simple'\n"
        "global.extra-index-url='\\nhttps://a.example\\nhttps://b.example'\n"
        ":env:.cert='/etc/ca.pem'\n"
    )
    assert environment.for_uv(listed, {"SSL_CERT_FILE": "/own.pem"}) == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_INDEX": "https://a.example https://b.example",
    }


def environment_with(folder: Path, kind: str) -> Path:
    (folder / "bin").mkdir()
    (folder / "bin/python").touch()
    lock = environment.REQUIREMENTS / f"{kind}.lock"
    shutil.copyfile(lock, folder / f"installed-{kind}.lock")
    return folder


def test_the_larger_lock_covers_the_smaller_one(tmp_path: Path) -> None:
    venv = environment_with(tmp_path, "dev")
    assert environment.installed("run", venv)
    assert environment.installed("dev", venv)


def test_what_runs_is_not_enough_to_test_with(tmp_path: Path) -> None:
    venv = environment_with(tmp_path, "run")
    assert environment.installed("run", venv)
    assert not environment.installed("dev", venv)


def test_a_changed_lock_is_installed_again(tmp_path: Path) -> None:
    venv = environment_with(tmp_path, "run")
    (venv / "installed-run.lock").write_text("older==1\n")
    assert not environment.installed("run", venv)


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    assert not environment.installed("run", tmp_path)
