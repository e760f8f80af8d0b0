"""Figures beside what they should reach, and the statistics behind them. Pure."""

from __future__ import annotations

import math
import operator
import re
import statistics
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

_REACH: Final = re.compile(r"(<=|>=|<|>) ?([0-9.,]+)")
_OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Plot(Struct, frozen=True, kw_only=True):
    """A picture of how a figure grows. `grows`: what a healthy one looks like, flat or linear."""

    name: str
    title: str
    x: str
    y: str
    grows: str


class Point(Struct, frozen=True):
    """One point of a plot; several `series` share its axes."""

    plot: Plot
    series: str
    x: float
    y: float


class Figure(Struct, frozen=True, kw_only=True):
    """One figure over all repetitions. `reach` is "" or like "< 5" in the figure's unit."""

    what: str
    unit: str
    reach: str
    values: list[float]

    @property
    def value(self) -> float:
        """The median of the repetitions; of what must not happen at all (`<= 0`), the worst."""
        return max(self.values) if self.reach.startswith("<=") else statistics.median(self.values)

    @property
    def reached(self) -> bool:
        """Whether the value is where it should be; a figure without a reach always is."""
        return reached(self.reach, self.value)


def reached(reach: str, value: float) -> bool:
    """Whether `value` is as `reach` says. ValueError for a reach that cannot be read."""
    if not reach:
        return True
    found = _REACH.match(reach)
    if found is None:
        raise ValueError(f"{reach!r} is no reach: write it like '< 5'")
    return _OPERATORS[found[1]](value, float(found[2].replace(",", "")))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of them do not exceed."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """How much y grows per x, by least squares."""
    xs, ys = zip(*points, strict=True)
    return statistics.linear_regression(xs, ys).slope


def told(value: float) -> str:
    """A value with as many digits as say something."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
