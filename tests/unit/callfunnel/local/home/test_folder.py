import os
from pathlib import Path

import pytest

from callfunnel.domain.errors import UserError
from callfunnel.local.home.folder import Home, is_running, lock, prepare, read_state, write_json


@pytest.fixture
def at(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    prepare(made)
    return made


def test_the_home_is_for_its_owner_alone(at: Home) -> None:
    folders = [at.root, *(entry for entry in at.root.iterdir() if entry.is_dir())]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}


def test_a_second_start_says_that_one_runs(at: Home) -> None:
    handle = lock(at)
    write_json(at.state, {"gateway": "http://127.0.0.1:8420"})
    with pytest.raises(UserError, match=r"already runs in .* \(http://127.0.0.1:8420\)"):
        lock(at)
    assert is_running(at)
    os.close(handle)
    assert not is_running(at)


def test_two_homes_know_nothing_of_each_other(at: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    prepare(other)
    handles = [lock(at), lock(other)]
    for handle in handles:
        os.close(handle)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe"])
def test_a_damaged_state_is_no_state(at: Home, content: bytes) -> None:
    at.state.write_bytes(content)
    assert read_state(at) == {}


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be used"):
        prepare(Home(tmp_path / "file"))


def test_nothing_runs_where_there_is_nothing(tmp_path: Path) -> None:
    assert not is_running(Home(tmp_path / "nowhere"))


def test_a_home_of_another_user_is_said_to_be_one(
    at: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UserError, match="belongs to another user"):
        is_running(at)
