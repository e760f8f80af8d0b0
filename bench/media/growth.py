"""Whether a worker grows while calls come and go: memory, objects, tasks and files over time.

`./cf bench growth --minutes 30`; memory does not need a quiet machine. Its own memory is what it
has written: of a file that others have open, too, its share grows when they end.
"""

import time
from pathlib import Path

from bench.harness.figures import Plot, slope
from bench.harness.processes import own_kb
from bench.harness.run import Run
from bench.media.plant import Worker, plant

OVER_TIME = Plot(
    name="media-growth", title="Memory, calls coming and going", x="minutes", y="MB", grows="flat"
)
_EVERY_S = 10.0
_WARM_SHARE = 0.2
"""Of the time: pools fill, caches warm, the allocator finds its size."""
_EMPTY_EVERY = 30
"""Samples: the stream of segments would be full after half an hour."""
_FULL = 0.95
"""Of the most calls there were: only what was seen with as many is compared."""


def measure(run: Run) -> None:
    """`--minutes`, `--calls` at once, `--lasts` seconds a call in the mean."""
    minutes, calls = run.option("minutes", 30, quick=0.5), int(run.option("calls", 100, quick=5))
    lasts = run.option("lasts", 40, quick=3)
    with plant() as plant_:
        plant_.load.ask(lasts=lasts, calls=calls)
        samples, began, placed = [], time.monotonic(), 0.0
        while (now := time.monotonic() - began) < minutes * 60:
            samples.append((now / 60, _sample(plant_.workers[0])))
            placed = plant_.window(_EVERY_S if not run.quick else 3)["placed"]
            if len(samples) % _EMPTY_EVERY == 0:
                plant_.empty_audio()
    _tell(run, samples)
    run.figure("calls that came and went", placed)


def _sample(worker: Worker) -> dict[str, float]:
    told = worker.metrics()
    return {
        "memory of its own, MB": own_kb(worker.pid) / 1024,
        "allocated blocks": told["loop_blocks"],
        "tasks": told["loop_tasks"],
        "open files": float(len(list(Path(f"/proc/{worker.pid}/fd").iterdir()))),
        "calls": told["media_live"],
        "spooled": told["spool_backlog"],
        "longest collector pause, ms": told["loop_longest_pause_ms"],
        "events": told["spool_emitted_total"],
    }


def _tell(run: Run, samples: list[tuple[float, dict[str, float]]]) -> None:
    most = max(sample["calls"] for _, sample in samples)
    settled = [each for each in samples if each[1]["calls"] >= _FULL * most]
    settled = settled[int(len(settled) * _WARM_SHARE) :]

    def of(name: str) -> list[tuple[float, float]]:
        return [(at, sample[name]) for at, sample in settled]

    for name, unit in (("memory of its own, MB", "MB"), ("allocated blocks", "blocks")):
        series = of(name)
        hourly = slope(series) * 60
        run.figure(f"{name}: at the beginning", series[0][1], unit)
        run.figure(f"{name}: at the end", series[-1][1], unit)
        share = 100 * hourly / series[0][1]
        run.figure(f"{name}: growth in an hour (slope after warm-up)", share, "%", reach="< 3")
    for name in ("tasks", "open files"):
        run.figure(f"{name}: growth in an hour", slope(of(name)) * 60)
    for at, sample in samples[:: max(1, len(samples) // 60)]:
        run.point(OVER_TIME, at, sample["memory of its own, MB"])
    last = samples[-1][1]
    run.figure("longest collector pause", last["longest collector pause, ms"], "ms", reach="< 5")
    run.figure("events told", last["events"])
