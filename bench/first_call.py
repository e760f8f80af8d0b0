"""The figures of the first call: start-up, idle cost and the length of a turn.

Everything is measured from outside, on a stack started by `./cf up` and called by `./cf call`.
"""

import json
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.harness.run import Run
from bench.stack import ROOT, Stack, stack

QUESTION = "why did my bill go up"


def measure(run: Run) -> None:
    """All figures, in the order a newcomer meets them. `--calls`: whose turns are measured.

    `--quick`: one start and one call.
    """
    with tempfile.TemporaryDirectory(prefix="cf-bench-") as folder:
        home = Path(folder) / "home"
        if not run.quick:
            took = fresh_clone(Path(folder))
            run.figure("fresh clone to the address printed", took, "s", reach="< 60")
        with stack(home) as first:
            answered = to_answer(first, home)
            run.figure("`up` to a call answered, first run", answered, "s", reach="< 8")
        if run.quick:
            return
        with stack(home) as later:
            answered = to_answer(later, home)
            run.figure("`up` to a call answered, later runs", answered, "s", reach="< 4")
            idle(run, later)
            turns(run, home)


def fresh_clone(folder: Path) -> float:
    """A clone of this checkout's commit, its environment made anew, up to the ready file.

    Packages come from the installer's cache where it has them.
    """
    clone = folder / "clone"
    started = time.monotonic()
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    with stack(folder / "clone-home", cwd=clone, timeout_s=300):
        took = time.monotonic() - started
    shutil.rmtree(clone)
    return took


def to_answer(running: Stack, home: Path) -> float:
    """Seconds from the start of `up` until a caller heard the agent's first sample."""
    asked = time.monotonic()
    result = call(home, [QUESTION])
    return running.took + (float(result["answered_ms"]) / 1000) + overhead(asked, result)


def overhead(asked: float, result: dict[str, object]) -> float:
    """What the command line itself needed before it placed the call, in seconds."""
    placed = float(str(result.get("placed_monotonic", asked)))
    return max(0.0, placed - asked)


def call(home: Path, sentences: list[str]) -> dict[str, Any]:
    """One call by `./cf call --say …`; its JSON result."""
    said = [part for sentence in sentences for part in ("--say", sentence)]
    command = ["./cf", "call", *said, "--home", str(home), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=180)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def idle(run: Run, stack: Stack) -> None:
    """What the stack costs once the last call is settled and nothing happens."""
    time.sleep(15)
    run.figure("idle, memory (PSS)", stack.memory_mb(), "MB", reach="< 600")
    run.figure("idle, share of a core", stack.cpu_share(20) * 100, "%", reach="< 5")


def turns(run: Run, home: Path) -> None:
    """End of the caller's speech to the agent's first audio sent, over several calls."""
    marks: list[float] = []
    for _ in range(int(run.option("calls", 3))):
        result = call(home, [QUESTION, "i want to cancel"])
        marks += [float(ms) / 1000 for ms in result["response_ms"]]
    middle = statistics.median(marks)
    run.figure("a turn of the demo agent, median", middle, "s", reach="< 1.2")
    run.figure("a turn of the demo agent, slowest", max(marks), "s", reach="< 1.2")
