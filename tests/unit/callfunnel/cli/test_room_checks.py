"""What the doctor says of full streams and of processes that are not ready."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from callfunnel.cli import room_checks
from callfunnel.cli.room_checks import told_of_streams
from callfunnel.cli.stack import Running
from callfunnel.infra.fill import Fill
from callfunnel.local.home.folder import Home


def test_a_full_stream_is_named_with_its_slowest_reader_and_what_to_do() -> None:
    full = Fill(name="CALLS", held=95, room=100, slowest="timeline", behind=4711)
    (found,) = told_of_streams([full, Fill(name="RAW", held=1, room=100)])
    assert (found.verdict, found.what) == ("bad", "stream CALLS")
    assert found.detail == "95 % full; timeline is 4711 behind"
    assert "timeline is slow" in found.fix


def test_a_stream_that_fills_up_is_a_warning_and_an_empty_bus_is_well() -> None:
    (found,) = told_of_streams([Fill(name="AUDIO", held=80, room=100)])
    assert (found.verdict, found.detail) == ("warn", "80 % full; nobody is behind")
    (well,) = told_of_streams([Fill(name="RAW", held=1, room=100)])
    assert (well.verdict, well.detail) == ("ok", "the fullest is 1 % full")


def looked_at(
    folder: Path, checks: Mapping[str, Any], state: str = "serving", **more: Any
) -> list[room_checks.Finding]:
    """What is found when the media worker answers so."""
    (folder / "run").mkdir()
    (folder / "run" / "media-1.json").write_text(json.dumps({"http_port": 1, "pid": 1}))
    media = {"name": "media-1", "pid": 1, "state": state}
    stack = Running(Home(folder), {"processes": [media], **more})
    answer = httpx.Response(503, json={"ok": False, "checks": checks})
    with httpx.Client(transport=httpx.MockTransport(lambda _: answer)) as http:
        return list(room_checks.readiness(stack, http))


def test_a_worker_without_room_says_what_is_full_where_and_what_callers_hear(
    tmp_path: Path,
) -> None:
    (found,) = looked_at(tmp_path, {"lease": True, "spool": "its disk has 3 MB left"})
    assert (found.verdict, found.what) == ("bad", "media-1")
    assert found.detail == "is not ready (spool: its disk has 3 MB left)"
    assert str(tmp_path / "spool" / "media-1") in found.fix
    assert "busy treatment" in found.fix


def test_ready_processes_are_one_line(tmp_path: Path) -> None:
    (found,) = looked_at(tmp_path, {"lease": True, "spool": True})
    assert found.verdict == "ok"


def test_one_that_was_told_to_leave_is_not_asked_and_that_is_said(tmp_path: Path) -> None:
    (found,) = looked_at(tmp_path, {"open": False}, "leaving", stopped=["media-2"])
    assert found.verdict == "ok"
    assert found.detail == (
        "every process says that it is ready; not asked, for it was told to leave: media-1, media-2"
    )
