"""A whole stack started by the command line as a user would, and what a user does with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[2]
COMMAND = (sys.executable, "-P", "-m", "callfunnel.cli")
READY_WITHIN_S = 60.0
CALL_WITHIN_S = 150.0


def until(true: Callable[[], Any], what: str, within_s: float = 20.0) -> Any:
    """Polls until `true()` is, and returns that; fails with `what` when it does not in time."""
    deadline = time.monotonic() + within_s
    while not (value := true()):
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        signal.sigtimedwait([], 0.05)
    return value


@dataclass
class RunningStack:
    """One `up`. `ready` is the content of its ready file."""

    home: Path
    process: subprocess.Popen[bytes]
    ready: dict[str, Any]

    @classmethod
    def start(cls, folder: Path, *words: str, **environment: str) -> RunningStack:
        """Starts it on any free port and waits until it is ready."""
        home, ready, log = folder / "home", folder / "ready.json", folder / "up.log"
        options = ("--home", str(home), "--port", "0", "--headless", "--ready-file", str(ready))
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*COMMAND, "up", *options, *words],
                stdout=out,
                stderr=out,
                env=_environment(environment),
            )
        until(lambda: ready.exists() or process.poll() is not None, "ready", READY_WITHIN_S)
        assert process.poll() is None, log.read_text()
        return cls(home, process, json.loads(ready.read_text()))

    def stop(self) -> int:
        """As Ctrl-C does; returns the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=20)

    def pid(self, name: str) -> int:
        """The process of that name as it runs now."""
        state = json.loads((self.home / "run" / "up.json").read_text())
        return next(each["pid"] for each in state["processes"] if each["name"] == name)

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Starts a command; its output is read by `finished`."""
        return subprocess.Popen(
            [*COMMAND, *words, "--home", str(self.home)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=_environment({}),
        )

    def run(self, *words: str, status: int = 0) -> str:
        """What a command prints; fails unless it ends with `status`."""
        command = self.begin(*words)
        out, err = command.communicate(timeout=CALL_WITHIN_S)
        assert command.returncode == status, f"{words}: {command.returncode}\n{out}\n{err}"
        return out or err

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json"))

    def call(self, *words: str) -> dict[str, Any]:
        """One whole call; what became of it."""
        report: dict[str, Any] = self.json("call", *words)
        return report

    def facts(self, call: str) -> list[dict[str, Any]]:
        """The call's timeline."""
        timeline: list[dict[str, Any]] = self.json("show", call)["timeline"]
        return timeline


def finished(command: subprocess.Popen[str]) -> dict[str, Any]:
    """The report of a call that was begun with `--json`."""
    out, err = command.communicate(timeout=CALL_WITHIN_S)
    assert command.returncode == 0, f"{out}\n{err}"
    report: dict[str, Any] = json.loads(out)
    return report


def _environment(changes: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE), **changes}
