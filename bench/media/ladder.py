"""How a worker's latencies and cost grow with its calls."""

from bench.harness.figures import Plot, slope
from bench.harness.run import Run
from bench.media.plant import Plant, plant

CPU = Plot(name="media-cpu", title="CPU of a call", x="calls", y="ms a call-second", grows="flat")
SHARE = Plot(name="media-core", title="Load of the core", x="calls", y="%", grows="linear")
ADDED = Plot(name="media-latency", title="Added latency, p99", x="calls", y="ms", grows="flat")
_TIMES = 3
"""Windows at the highest step, whose median is told: 1 % of its frames are those of two replies,
for what a reply begins too late by stays with it to its end."""
_SETTLES_S = 5
_BEGIN_PER_S = 15
"""Calls whose beginnings (two handshakes, a greeting) are over in a second with all that follows:
who measures calls that go on waits for it."""
MEMORY = Plot(name="media-memory", title="Memory of a worker", x="calls", y="MB", grows="linear")


def measure(run: Run) -> None:
    """`--calls`: the highest step; `--seconds`: of a window."""
    top, seconds = int(run.option("calls", 200, quick=5)), run.option("seconds", 6, quick=1)
    steps = [each for each in (1, 10, 100) if each < top]
    memory = []
    with plant() as plant_:
        for calls in (*steps, top):
            settles = 0.5 if run.quick else max(_SETTLES_S, calls / _BEGIN_PER_S)
            for again in range(1 if run.quick or calls < top else _TIMES):
                plant_.settle(min(settles, _SETTLES_S) if again else settles, calls)
                step(run, plant_, calls, seconds)
            if calls == max((each for each in (*steps, top) if each <= 100), default=top):
                pauses(run, plant_, calls)
            memory.append((calls, plant_.memory_mb()))
            run.point(MEMORY, *memory[-1])
    if len(memory) > 1:
        run.figure("memory of a call (slope of PSS)", slope(memory), "MB", reach="< 0.3")


def pauses(run: Run, plant_: Plant, calls: int) -> None:
    """What stopped the worker longest since its start, all the calls' beginnings included."""
    told = plant_.workers[0].metrics()
    lag, pause = told["loop_longest_lag_ms"], told["loop_longest_pause_ms"]
    run.figure(f"{calls} calls: longest the event loop was late", lag, "ms", reach="< 20")
    run.figure(f"{calls} calls: longest collector pause", pause, "ms", reach="< 5")


def step(run: Run, plant_: Plant, calls: int, seconds: float) -> None:
    """One window at one number of calls."""
    seen = plant_.window(seconds * 2 if calls == 100 else seconds)
    many = f"{calls} calls" if calls > 1 else "1 call"
    for way, name in (("to the model", "to_model"), ("to the caller", "to_caller")):
        run.figure(f"{many}: added {way}, p50", seen[f"{name}_p50"], "ms")
        run.figure(f"{many}: added {way}, p99", seen[f"{name}_p99"], "ms", reach="< 5")
        run.figure(f"{many}: added {way}, longest (any stall is in it)", seen[f"{name}_max"], "ms")
        run.point(ADDED, calls, seen[f"{name}_p99"], way)
    run.figure(f"{many}: frames over 60 ms late", seen["late"], reach="<= 0")
    run.figure(f"{many}: calls lost", seen["gone"], reach="<= 0")
    if seen["to_clear_count"]:
        run.figure(f"{many}: speech-started to clear, p99", seen["to_clear_p99"], "ms", reach="< 3")
    run.figure(f"{many}: CPU of a call-second", seen["cpu_ms"], "ms")
    run.figure(f"{many}: the load's own delay, p99", seen["own_lag_p99"], "ms")
    run.figure(f"{many}: barge-ins in the window", seen["to_clear_count"])
    run.point(CPU, calls, seen["cpu_ms"])
    run.point(SHARE, calls, seen["cpu_ms"] * calls / 10)
