"""Processes of a bench: started on a core of their own, spoken with in lines of JSON, measured.

A role is a module that is run as `python -m <module> <words>`: it uses `announce` and `listen`,
the bench that started it `heard` and `say`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.harness.cores import pin

TICKS = os.sysconf("SC_CLK_TCK")


class Child:
    """A running role. As a context it is killed at the end, if it has not left by then."""

    def __init__(
        self, module: str, *words: str, core: int = -1, env: Mapping[str, str] | None = None
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
        )
        if core >= 0:
            pin(self.pid, core)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def say(self, **words: Any) -> None:
        """One line to the role."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()

    def heard(self) -> dict[str, Any]:
        """The next line of the role; RuntimeError once it has died."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a role of the bench ended with {self._process.wait(10)}")
        found: dict[str, Any] = json.loads(line)
        return found

    def ask(self, **words: Any) -> dict[str, Any]:
        """Says, and waits for the answer."""
        self.say(**words)
        return self.heard()


def announce(**words: Any) -> None:
    """One line to whoever started this role."""
    print(json.dumps(words), flush=True)


def listen() -> dict[str, Any] | None:
    """The next line of whoever started this role; None once it is gone."""
    line = sys.stdin.readline()
    return json.loads(line) if line else None


def end_with_starter() -> None:
    """For a role that serves and does not listen: it is gone once its starter is."""

    def wait() -> None:
        while sys.stdin.readline():
            pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def descendants(pid: int) -> Iterator[int]:
    """All processes below `pid`."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield int(child)
        yield from descendants(int(child))


def pss_kb(pid: int) -> int:
    """Proportional set size in kB (shared pages counted once); 0 for a process that is gone."""
    return _rolled_up(pid, "Pss:")


def own_kb(pid: int) -> int:
    """What a process has written itself, in kB: it alone changes it, unlike its share of files."""
    return _rolled_up(pid, "Pss_Anon:")


def _rolled_up(pid: int, which: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(which)), 0)


def cpu_s(pid: int) -> float:
    """User and system time so far, in seconds; 0 for a process that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS
