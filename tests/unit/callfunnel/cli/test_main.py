"""A user's mistake is one line and exit status 2; the help is quick because little is imported."""

import subprocess
import sys
from pathlib import Path

import pytest

from callfunnel.cli.__main__ import main

HEAVY = {"httpx", "numpy", "rich", "soundfile", "psycopg", "nats", "msgspec", "asyncio"}


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["calls"], "nothing runs"),
        (["call", "nowhere.wav"], "no file"),
        (["call"], "nothing to say"),
        (["call", "--from", "123", "say:hello"], "123 is no telephone number"),
        (["call", "--to", "+1555010000x", "say:hello"], "is no telephone number"),
        (["call", "--hangup-after", "soon", "x"], "hangup-after"),
        (["dance"], "dance"),
        (["show"], "CALL"),
        (["show", "../calls"], "../calls is no call's id"),
        (["tail", "--call", "x"], "x is no call's id"),
        (["approve", "apr_x"], "apr_x is no approval's id"),
        (["approve", f"apr_{'a' * 26}"], "nothing runs"),
        (["dead", "show", "0"], "NUMBER"),
        (["dead", "replay", "--", "-1"], "NUMBER"),
        (["rulebook", "put", "a", "nowhere.yaml"], "nowhere.yaml cannot be read"),
        (["rulebook", "put", "a", "/dev/zero"], "larger than a rule book may be"),
        (["call", "say:hello", "--out", "/proc/x.wav"], "/proc/x.wav cannot be written"),
    ],
)
def test_a_mistake_is_said_in_one_line(
    words: list[str],
    part: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CALLFUNNEL_HOME", str(tmp_path))
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert part in said


@pytest.mark.parametrize("words", [[], ["rulebook"], ["dead"], ["-h"], ["calls", "-h"]])
def test_who_asks_for_nothing_yet_is_shown_what_there_is(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("Usage: callfunnel")


def test_doctor_says_that_nothing_runs_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--home", str(tmp_path)]) == 1
    assert "start it with `./cf up`" in capsys.readouterr().out


def test_down_where_nothing_runs_is_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["down", "--home", str(tmp_path), "--json"]) == 0
    assert '"stopped": false' in capsys.readouterr().out


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from callfunnel.cli.__main__ import application; application();"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
