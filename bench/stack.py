"""Starts and stops a whole stack as a user would, and says what it costs."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.harness.processes import cpu_s, descendants, pss_kb

ROOT = Path(__file__).resolve().parent.parent


class Stack:
    """A running `cf up`: its ready file, and its process tree."""

    def __init__(self, process: subprocess.Popen[bytes], ready: dict[str, Any], took: float):
        self.process = process
        self.ready = ready
        self.took = took

    def pids(self) -> list[int]:
        """Every process of the stack, the supervisor included."""
        return [self.process.pid, *descendants(self.process.pid)]

    def memory_mb(self) -> float:
        """Proportional set size of all processes together, in MB (shared pages counted once)."""
        return sum(pss_kb(pid) for pid in self.pids()) / 1024

    def cpu_share(self, seconds: float) -> float:
        """Share of one core used by all processes over `seconds`."""
        before = {pid: cpu_s(pid) for pid in self.pids()}
        time.sleep(seconds)
        return sum(cpu_s(pid) - spent for pid, spent in before.items()) / seconds


@contextmanager
def stack(home: Path, *, cwd: Path = ROOT, timeout_s: float = 120) -> Iterator[Stack]:
    """Runs `./cf up` in `cwd` until its ready file is there; stops it afterwards."""
    ready = home.with_suffix(".ready.json")
    ready.unlink(missing_ok=True)
    arguments = ["--home", str(home), "--port", "0", "--headless", "--ready-file", str(ready)]
    started = time.monotonic()
    process = subprocess.Popen(["./cf", "up", *arguments], cwd=cwd, stdout=subprocess.DEVNULL)
    try:
        wait_for(ready, process, started + timeout_s)
        yield Stack(process, json.loads(ready.read_text()), time.monotonic() - started)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def wait_for(path: Path, process: subprocess.Popen[bytes], until: float) -> None:
    """Returns once `path` holds a whole JSON document. RuntimeError if the stack dies first."""
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"cf up ended with {process.returncode} before it was ready")
        try:
            json.loads(path.read_text())
            return
        except (OSError, ValueError):
            time.sleep(0.02)
    raise RuntimeError("cf up was not ready in time")
