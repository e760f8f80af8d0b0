"""`up` in a process of its own, without media workers and off-path host: for tests of the rest."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from callfunnel.local.home.folder import Home, read_state
from tests.simulators.waiting import eventually

LIMIT_S = 60.0
SOURCE = Path(__file__).parents[3]
COMMAND = (
    sys.executable, "-P", "-m", "callfunnel.local.supervisor", "--headless",
    "--scale", "media=0", "--scale", "offpath=0",
)  # fmt: skip


class Up:
    """One `up` under test."""

    def __init__(self, root: Path, *words: str, **environment: str) -> None:
        self.home = Home(root / "home")
        self.log = root / "up.log"
        self.ready = root / "ready.json"
        self.ready.unlink(missing_ok=True)
        port = () if "--port" in words else ("--port", "0")
        where = ("--home", str(self.home.root), "--ready-file", str(self.ready))
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*COMMAND, *where, *port, *words],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(SOURCE), **environment},
            )

    def wait_ready(self) -> dict[str, Any]:
        eventually(lambda: self.ready.exists() or self.process.poll() is not None, "ready", LIMIT_S)
        assert self.process.poll() is None, self.said()
        content: dict[str, Any] = json.loads(self.ready.read_text())
        return content

    def pids(self) -> dict[str, int]:
        return {each["name"]: each["pid"] for each in read_state(self.home).get("processes", [])}

    def said(self) -> str:
        """All it said, once it has ended."""
        self.process.wait(timeout=LIMIT_S)
        return self.log.read_text()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=LIMIT_S)
