"""What a process counts about itself, in Prometheus' text form. What there is: see `metrics`.

A label has a fixed set of values; anything else is counted as `other`, so that no caller, id or
subject can make a new time series. Hot paths count in plain integers, read at each scrape: nothing
here takes a lock, for a garbage collection may begin anywhere and is measured, too.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import (
    Metric as Family,
)
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from callfunnel.infra.metrics import METRICS, Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Counter:
    """A counter whose labels take only the values that `metrics` gives them."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, amount: int = 1, **labels: str) -> None:
        """Counts; `labels` names every label."""
        key = _bounded(self._metric, labels)
        self._counts[key] = self._counts.get(key, 0) + amount

    def family(self) -> Family:
        """For a scrape."""
        family = CounterMetricFamily(
            _name(self._metric), self._metric.meaning, labels=_labels(self)
        )
        for key, count in tuple(self._counts.items()):
            family.add_metric(key, count)
        return family

    @property
    def metric(self) -> Metric:
        """What it counts."""
        return self._metric


class Histogram:
    """Counts values by size, in seconds."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._kept: dict[tuple[str, ...], list[float]] = {}

    def add(self, seconds: float, **labels: str) -> None:
        """Counts one value; `labels` names every label."""
        key = _bounded(self._metric, labels)
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = [0.0] * (len(self._metric.bounds) + 2)
        kept[bisect_left(self._metric.bounds, seconds)] += 1
        kept[-1] += seconds

    def family(self) -> Family:
        """For a scrape."""
        metric = self._metric
        family = HistogramMetricFamily(_name(metric), metric.meaning, labels=_labels(self))
        for key, kept in tuple(self._kept.items()):
            total, buckets = 0.0, []
            for bound, count in zip([*map(str, metric.bounds), "+Inf"], kept[:-1], strict=True):
                total += count
                buckets.append((bound, total))
            family.add_metric(key, buckets, kept[-1])
        return family

    @property
    def metric(self) -> Metric:
        """What it measures."""
        return self._metric


class Telemetry:
    """The metrics of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._shown = _Shown()
        ProcessCollector(registry=self._registry)
        self._registry.register(self._shown)

    def counter(self, name: str) -> Counter:
        """The counter of that name."""
        return self._shown.counted.setdefault(name, Counter(METRICS[name]))

    def histogram(self, name: str) -> Histogram:
        """The histogram of that name."""
        return self._shown.measured.setdefault(name, Histogram(METRICS[name]))

    def watch(self, prefix: str, read: Callable[[], Any], **labels: str) -> None:
        """Shows every number of what `read` returns (a dataclass or Struct) at each scrape.

        The metric is `<prefix>_<field>`; `labels` tell several of one prefix apart.
        """
        self._shown.watched.append((prefix, read, labels))

    def render(self) -> bytes:
        """All metrics as text."""
        return generate_latest(self._registry)


class _Shown(Collector):
    def __init__(self) -> None:
        self.counted: dict[str, Counter] = {}
        self.measured: dict[str, Histogram] = {}
        self.watched: list[tuple[str, Callable[[], Any], dict[str, str]]] = []

    def describe(self) -> list[Family]:
        return []

    def collect(self) -> Iterator[Family]:
        kept: list[Counter | Histogram] = [*self.counted.values(), *self.measured.values()]
        for each in kept:
            yield each.family()
        families: dict[str, Any] = {}
        for prefix, read, labels in self.watched:
            for field, value in msgspec.to_builtins(read()).items():
                if isinstance(value, int | float):
                    name = f"{prefix}_{field}"
                    if name not in families:
                        families[name] = _family(name, list(labels))
                    families[name].add_metric(list(labels.values()), float(value))
        yield from families.values()


def _family(name: str, labels: list[str]) -> Any:
    metric = METRICS.get(name)
    if metric is not None and metric.kind == "counter":
        return CounterMetricFamily(f"callfunnel_{name}", metric.meaning, labels=labels)
    meaning = metric.meaning if metric else name
    return GaugeMetricFamily(f"callfunnel_{name}", meaning, labels=labels)


def _bounded(metric: Metric, labels: dict[str, str]) -> tuple[str, ...]:
    return tuple(
        labels[name] if labels[name] in allowed else "other"
        for name, allowed in metric.labels.items()
    )


def _name(metric: Metric) -> str:
    return f"callfunnel_{metric.name}"


def _labels(each: Counter | Histogram) -> list[str]:
    return list(each.metric.labels)
