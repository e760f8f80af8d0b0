"""The figures of the first call: start-up, idle cost and the length of a turn.

Prints one line a figure and, with `--write`, the table in `bench/RESULTS.md`. Everything is
measured from outside, on a stack started by `./cf up` and called by `./cf call`.
"""

import argparse
import json
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.stack import ROOT, Stack, stack

RESULTS = ROOT / "bench" / "RESULTS.md"
QUESTION = "why did my bill go up"


@dataclass(frozen=True)
class Figure:
    """One measured figure beside the one to reach."""

    what: str
    reach: str
    value: float
    unit: str

    def line(self) -> str:
        """As a row of the table."""
        return f"| {self.what} | {self.reach} | {self.value:.2f} {self.unit} |"


def main() -> int:
    """Runs the chosen parts and prints their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clone", action="store_true", help="also measure a fresh clone")
    parser.add_argument("--calls", type=int, default=3, help="calls whose turns are measured")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cf-bench-") as folder:
        figures = collect(Path(folder), options.calls, clone=options.clone)
    print("\n".join(figure.line() for figure in figures))
    if options.write:
        RESULTS.write_text(report(figures))
    return 0


def collect(folder: Path, calls: int, *, clone: bool) -> list[Figure]:
    """All figures, in the order a newcomer meets them."""
    figures = [fresh_clone(folder)] if clone else []
    home = folder / "home"
    with stack(home) as first:
        answered = to_answer(first, home)
        figures.append(Figure("`up` to a call answered, first run", "< 8 s", answered, "s"))
    with stack(home) as later:
        answered = to_answer(later, home)
        figures.append(Figure("`up` to a call answered, later runs", "< 4 s", answered, "s"))
        wait_until_idle()
        figures.append(Figure("idle, memory (PSS)", "< 600 MB", later.memory_mb(), "MB"))
        share = later.cpu_share(20) * 100
        figures.append(Figure("idle, share of a core", "< 5 %", share, "%"))
        figures += turns(home, calls)
    return figures


def fresh_clone(folder: Path) -> Figure:
    """A clone of this checkout's commit, its environment made anew, up to the ready file."""
    clone = folder / "clone"
    started = time.monotonic()
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    with stack(folder / "clone-home", cwd=clone, timeout_s=300):
        took = time.monotonic() - started
    shutil.rmtree(clone)
    return Figure("fresh clone to the address printed", "< 60 s", took, "s")


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


def wait_until_idle() -> None:
    """Lets the last call settle and the processes come to rest."""
    time.sleep(15)


def turns(home: Path, calls: int) -> list[Figure]:
    """End of the caller's speech to the agent's first audio sent, over several calls."""
    marks: list[float] = []
    for _ in range(calls):
        result = call(home, [QUESTION, "i want to cancel"])
        marks += [float(ms) for ms in result["response_ms"]]
    if not marks:
        raise RuntimeError("no turn was measured")
    rows: list[tuple[str, Callable[[list[float]], float]]] = [
        ("median", statistics.median), ("slowest", max)
    ]  # fmt: skip
    return [
        Figure(
            f"a turn of the demo agent, {name} of {len(marks)}", "< 1.2 s", of(marks) / 1000, "s"
        )
        for name, of in rows
    ]


def report(figures: list[Figure]) -> str:
    """The whole results page."""
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    cores = len(Path("/proc/cpuinfo").read_text().split("processor\t")) - 1
    rows = "\n".join(figure.line() for figure in figures)
    return (
        "# Measured figures\nPrinted by `./cf bench --clone --write`; ran on "
        f"{cores} cores, {machine}. Packages came from the installer's cache where it had them.\n\n"
        f"| what | reach | measured |\n|---|---|---|\n{rows}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
