"""The whole product, started by the command a user types, with its processes in reach."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

SOURCE = Path(__file__).parents[2]
CLI = (sys.executable, "-P", "-m", "callfunnel.cli")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SOURCE)}
T = Any


def eventually(look: Callable[[], T], what: str, within_s: float = 30.0) -> T:
    """Looks until there is something to see; fails with `what` when there never is."""
    deadline = time.monotonic() + within_s
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        signal.sigtimedwait([], 0.05)


class Running:
    """A running `up`, its API and its processes."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        ready, log = root / "ready.json", root / "up.log"
        options = ["--home", str(self.home), "--port", "0", "--headless"]
        command = [*CLI, "up", *options, "--ready-file", str(ready)]
        with log.open("wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env=ENVIRONMENT)
        eventually(lambda: ready.exists() or self.process.poll() is not None, "ready", 90)
        assert ready.exists(), log.read_text()
        told = json.loads(ready.read_text())
        token = {"Authorization": f"Bearer {told['api_token']}"}
        self.api = httpx.Client(base_url=told["gateway"], headers=token, timeout=5)

    def get(self, path: str) -> Any:
        """The JSON at a path of the API, or None while it does not answer."""
        try:
            answer = self.api.get(path)
        except httpx.HTTPError:
            return None
        return answer.json() if answer.status_code == 200 else None

    def pid(self, name: str) -> int:
        """The pid of a process of the stack as it is now; 0 while it is down."""
        state = json.loads((self.home / "run" / "up.json").read_text())
        pids = {each["name"]: int(each["pid"]) for each in state["processes"]}
        return pids.get(name, 0)

    def kill(self, name: str) -> None:
        """kill -9; returns once another one has taken its place."""
        before = self.pid(name)
        os.kill(before, signal.SIGKILL)
        eventually(lambda: self.pid(name) not in (0, before), f"another {name}")

    @contextmanager
    def caller(self, *script: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Somebody who calls by the command line, until the end of the block at the latest."""
        words = [*CLI, "call", *script, "--home", str(self.home), "--json"]
        nowhere = subprocess.DEVNULL
        with subprocess.Popen(words, env=ENVIRONMENT, stdout=nowhere, stderr=nowhere) as caller:
            try:
                yield caller
            finally:
                caller.kill()

    def calls(self) -> set[str]:
        """The calls there are."""
        shown = eventually(lambda: self.get("/v1/calls?limit=100"), "the list of calls")
        return {item["call"] for item in shown["items"]}

    def facts(self, call: str) -> list[dict[str, Any]]:
        """The timeline of a call, as far as the API tells it now."""
        shown = self.get(f"/v1/calls/{call}/timeline")
        return shown["items"] if shown else []

    def names(self, call: str) -> list[str]:
        """The names of the facts of a call."""
        return [fact["name"] for fact in self.facts(call)]

    def stop(self) -> None:
        """Ctrl-C."""
        self.api.close()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One stack for the module; every test leaves it whole again."""
    stack = Running(tmp_path_factory.mktemp("stack"))
    yield stack
    stack.stop()
