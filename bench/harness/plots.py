"""Small pictures of growth, as SVG, each beside the line a healthy one would follow."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any, Final

from bench.harness.figures import Plot, Point
from bench.harness.kept import FOLDER
from bench.harness.run import Record

PLOTS: Final = FOLDER / "plots"


def draw(found: Iterable[Record]) -> None:
    """One file per plot in `bench/plots`."""
    points = [point for record in found for point in record.points]
    for plot in dict.fromkeys(point.plot for point in points):
        _draw(plot, [point for point in points if point.plot == plot])


def _draw(plot: Plot, points: Sequence[Point]) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "callfunnel"  # the same points give the same file
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 2.8), layout="constrained")
    for series in dict.fromkeys(point.series for point in points):
        mine = sorted((point.x, point.y) for point in points if point.series == series)
        (line,) = axes.plot(*zip(*mine, strict=True), marker="o", label=series or None)
        _reference(axes, plot, mine, line.get_color())
    axes.set(title=f"{plot.title} ({plot.grows})", xlabel=plot.x, ylabel=plot.y)
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    if any(point.series for point in points):
        axes.legend(frameon=False, fontsize="small")
    figure.savefig(PLOTS / f"{plot.name}.svg", metadata={"Date": None})
    pyplot.close(figure)


def _reference(axes: Any, plot: Plot, points: Sequence[tuple[float, float]], color: str) -> None:
    """Dashed: what the last point would be the end of, were growth as it should be."""
    x, y = points[-1]
    begin = (0.0, 0.0) if plot.grows == "linear" else (0.0, statistics.median(p[1] for p in points))
    end = (x, y) if plot.grows == "linear" else (x, begin[1])
    axes.plot(*zip(begin, end, strict=True), linestyle="--", linewidth=0.8, alpha=0.6, color=color)
