"""Where a worker's time goes under calls: by function in Python, by library below it.

The functions' times are under the profiler, which makes calls of Python functions dearer than they
are: they say what is large beside what. The libraries' shares are sampled without it, by `perf`.
"""

from __future__ import annotations

import io
import os
import pstats
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from bench.harness.run import Run
from bench.media.plant import Plant, plant

_ROWS = 28
_LIBRARIES = (
    ("the interpreter", r"libpython|python3"),
    ("the kernel (TCP, epoll)", r"kernel"),
    ("libc (memory, copies)", r"libc\."),
    ("event loop (uvloop)", r"uvloop|loop\.cpython"),
    ("WebSocket and TLS framing (picows)", r"picows|transport|ssl_engine"),
    ("encryption", r"libcrypto|libssl"),
    ("voice detection", r"webrtcvad|audioop"),
    ("spool (SQLite)", r"sqlite"),
    ("JSON and base64", r"_core|binascii"),
)


def measure(run: Run) -> None:
    """`--calls`, `--seconds`."""
    calls, seconds = int(run.option("calls", 100, quick=4)), run.option("seconds", 8, quick=1)
    with tempfile.TemporaryDirectory(prefix="cf-bench-") as folder:
        file = Path(folder) / "profile"
        with plant(module=("bench.media.profiled", str(file))) as plant_:
            plant_.settle(0.5 if run.quick else 5, calls)
            if shutil.which("perf"):
                run.text("CPU of the worker by library", _sampled(run, plant_, Path(folder)))
            frames = _profiled(plant_, seconds)
        run.text("Python functions by their own time, per frame from a caller", _rows(file, frames))


def _profiled(plant_: Plant, seconds: float) -> float:
    """Frames from callers in the profile."""
    worker = plant_.workers[0].pid
    os.kill(worker, signal.SIGUSR1)
    seen = plant_.window(seconds)
    os.kill(worker, signal.SIGUSR2)
    time.sleep(1)
    return seen["to_model_count"]


def _sampled(run: Run, plant_: Plant, folder: Path) -> str:
    seconds = 1 if run.quick else 5
    data, worker = str(folder / "perf.data"), str(plant_.workers[0].pid)
    command = ["perf", "record", "-q", "-F", "1999", "-o", data, "-p", worker]
    command += ["sleep", str(seconds)]
    sampling = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    seen = plant_.window(seconds)
    sampling.wait()
    asked = ["perf", "report", "-q", "-i", data, "--no-children", "--sort", "dso", "--stdio"]
    report = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    shares = [(float(share), name) for share, name in re.findall(r"([\d.]+)%\s+(\S+)", report)]
    lines, left = [], sum(share for share, _ in shares)
    for what, pattern in _LIBRARIES:
        share = sum(share for share, name in shares if re.search(pattern, name))
        left -= share
        lines.append((share, what))
        run.figure(f"CPU spent in {what}", share * seen["cpu_ms"] / 100, "ms a call-second")
    lines.append((left, "the rest"))
    ranked = sorted(lines, reverse=True)
    (first, one), (second, other) = ranked[:2]
    bound = f"What bounds a worker: {one} and {other}, {first + second:.0f} % of its time."
    return "\n".join([*(f"{share:5.1f} %  {what}" for share, what in ranked), bound])


def _rows(file: Path, frames: float) -> str:
    text = io.StringIO()
    stats = pstats.Stats(str(file), stream=text)
    rows = sorted(stats.stats.items(), key=lambda row: -row[1][2])[:_ROWS]  # type: ignore[attr-defined]
    lines = ["own us  with callees  calls  function"]
    for (path, _, name), (_, calls, own, whole, _) in rows:
        where = re.sub(r".*/(?=workers/|callfunnel/|site-packages/)", "", path)
        each = (own * 1e6 / frames, whole * 1e6 / frames, calls / frames)
        lines.append(f"{each[0]:6.2f}  {each[1]:12.2f}  {each[2]:5.2f}  {where} {name}".rstrip())
    return "\n".join(lines)
