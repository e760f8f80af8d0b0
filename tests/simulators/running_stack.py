"""A whole stack started by the command line as a user would, and what a user does with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from tests.simulators.waiting import eventually

SOURCE = Path(__file__).parents[2]
COMMAND = (sys.executable, "-P", "-m", "callfunnel.cli")
READY_WITHIN_S = 90.0
CALL_WITHIN_S = 150.0


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
                env=environment_of(environment),
            )
        eventually(lambda: ready.exists() or process.poll() is not None, "ready", READY_WITHIN_S)
        assert process.poll() is None, log.read_text()
        return cls(home, process, json.loads(ready.read_text()))

    def stop(self) -> int:
        """As Ctrl-C does; returns the exit status."""
        self.api.close()
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)

    @cached_property
    def api(self) -> httpx.Client:
        """The gateway, asked by an admin of the demo tenant."""
        token = {"Authorization": f"Bearer {self.ready['api_token']}"}
        return httpx.Client(base_url=self.ready["gateway"], headers=token, timeout=5)

    def get(self, path: str) -> Any:
        """The JSON at a path of the API, or None while it does not answer."""
        try:
            answer = self.api.get(path)
        except httpx.HTTPError:
            return None
        return answer.json() if answer.status_code == 200 else None

    def post(self, path: str, body: dict[str, Any]) -> bool:
        """Whether the API did it; also False while it does not answer."""
        try:
            return self.api.post(path, json=body).is_success
        except httpx.HTTPError:
            return False

    def pid(self, name: str) -> int:
        """The process of that name as it runs now; 0 while it is down."""
        state = json.loads((self.home / "run" / "up.json").read_text())
        pids = {each["name"]: int(each["pid"]) for each in state["processes"]}
        return pids.get(name, 0)

    def kill(self, name: str) -> None:
        """kill -9; returns once another one has taken its place."""
        before = self.pid(name)
        os.kill(before, signal.SIGKILL)
        eventually(lambda: self.pid(name) not in (0, before), f"another {name}")

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Starts a command; its output is read by `finished`."""
        return subprocess.Popen(
            [*COMMAND, *words, "--home", str(self.home)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment_of({}),
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

    def sealed(self) -> list[dict[str, Any]]:
        """The newest calls, 200 at most, once there are any and the record of each is sealed."""

        def look() -> list[dict[str, Any]]:
            shown = (self.get("/v1/calls?limit=200") or {"items": []})["items"]
            return shown if all(each["settled"] for each in shown) else []

        return eventually(look, "every record is sealed", 60)

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


def environment_of(changes: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE), **changes}
