"""One worker or two for the same calls: workers share nothing but the bus, so each adds a core.

Both are kept on the one core under test: what two cost beside what one costs is what sharing
costs. On a machine with more cores each worker has its own.
"""

from bench.harness.figures import Plot
from bench.harness.run import Run
from bench.media.plant import plant

CPU = Plot(
    name="media-workers", title="CPU of a call", x="workers", y="ms a call-second", grows="flat"
)


def measure(run: Run) -> None:
    """`--calls`: of all workers together."""
    calls, seconds = int(run.option("calls", 100, quick=4)), run.option("seconds", 8, quick=1)
    spent = []
    for workers in (1, 2):
        with plant(workers=workers) as plant_:
            plant_.settle(0.5 if run.quick else 5, calls)
            seen = plant_.window(seconds)
            spent.append(seen["cpu_ms"])
            many = f"{calls} calls on {workers} worker" + "s" * (workers > 1)
            run.figure(f"{many}: CPU of a call-second", seen["cpu_ms"], "ms")
            for way, name in (("model", "to_model"), ("caller", "to_caller")):
                run.figure(f"{many}: added to the {way}, p99", seen[f"{name}_p99"], "ms")
            run.figure(f"{many}: memory", plant_.memory_mb(), "MB")
            run.point(CPU, workers, seen["cpu_ms"])
    run.figure("two workers' CPU for the same calls", spent[1] / spent[0], "times", reach="< 1.25")
