"""One bench, measured: repetitions of a function that tells figures, points and texts."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from importlib import import_module

from msgspec import Struct

from bench.harness.figures import Figure, Plot, Point, told
from bench.harness.machine import Machine, Watch

Measure = Callable[["Run"], None]


class Bench(Struct, frozen=True):
    """What `./cf bench <name>` measures. `measure` is `module:function`, imported when wanted.

    `alone`: only by its own name, never with all others. `repeat`: how often it is measured, each
    time from nothing; `seconds`: about how long one time takes.
    """

    name: str
    title: str
    measure: str
    seconds: int
    repeat: int = 1
    alone: bool = False


class Record(Struct, frozen=True, kw_only=True):
    """All that is kept of a bench: `bench/results/<name>.json`."""

    bench: str
    title: str
    command: str
    at: str
    commit: str
    machine: Machine
    seconds: float
    figures: list[Figure]
    points: list[Point] = []
    texts: dict[str, str] = {}


class Run:
    """One repetition. `quick`: only whether it works; its figures mean little."""

    def __init__(self, *, quick: bool = False, options: Mapping[str, str] | None = None) -> None:
        self.quick = quick
        self._options = options or {}
        self.figures: list[Figure] = []
        self.points: list[Point] = []
        self.texts: dict[str, str] = {}

    def option(self, name: str, otherwise: float, quick: float | None = None) -> float:
        """A number of the command line's `--name`, or what it is without."""
        if name in self._options:
            return float(self._options[name])
        return quick if self.quick and quick is not None else otherwise

    def figure(self, what: str, value: float, unit: str = "", *, reach: str = "") -> None:
        """Tells one figure; `reach` is in the same unit, like "< 5"."""
        self.figures.append(Figure(what=what, unit=unit, reach=reach, values=[value]))
        print(f"  {row(self.figures[-1])}", flush=True)

    def point(self, plot: Plot, x: float, y: float, series: str = "") -> None:
        """Adds a point to a plot."""
        self.points.append(Point(plot, series, x, y))

    def text(self, title: str, body: str) -> None:
        """A table or a listing that belongs to the figures."""
        self.texts[title] = body


def measured(bench: Bench, make_run: Callable[[], Run], repeat: int, command: str) -> Record:
    """Measures `repeat` times and joins the repetitions."""
    module, _, function = bench.measure.partition(":")
    measure: Measure = getattr(import_module(module), function)
    watch, began = Watch(), time.monotonic()
    runs = []
    for _ in range(repeat):
        runs.append(make_run())
        measure(runs[-1])
    return Record(
        bench=bench.name,
        title=bench.title,
        command=command,
        at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        commit=commit(),
        machine=watch.seen(),
        seconds=round(time.monotonic() - began, 1),
        figures=joined(runs),
        points=_middle(runs),
        texts=runs[-1].texts,
    )


def joined(runs: list[Run]) -> list[Figure]:
    """Each figure with the values of all repetitions, in the order they were first told."""
    found: dict[str, Figure] = {}
    for figure in (each for run in runs for each in run.figures):
        if figure.what in found:
            found[figure.what].values.extend(figure.values)
        else:
            found[figure.what] = figure
    return list(found.values())


def _middle(runs: list[Run]) -> list[Point]:
    values: dict[tuple[Plot, str, float], list[float]] = {}
    for point in (each for run in runs for each in run.points):
        values.setdefault((point.plot, point.series, point.x), []).append(point.y)
    return [Point(*where, statistics.median(ys)) for where, ys in values.items()]


def row(figure: Figure) -> str:
    """A figure as one line for a reader at a terminal."""
    reach = f" (reach: {figure.reach} {figure.unit})" if figure.reach else ""
    verdict = "" if figure.reached else "  MISSED"
    return f"{figure.what}: {told(figure.value)} {figure.unit}{reach}{verdict}"


def commit() -> str:
    """The commit that is measured, with `+` when files differ from it."""
    asked = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
