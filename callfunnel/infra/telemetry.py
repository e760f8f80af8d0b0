"""Metrics with bounded labels: what a process counts about itself, in Prometheus' text form.

A label has a fixed set of values; anything else is counted as `other`, so that no caller, id or
subject can make a new time series. Hot paths count in plain integers, read at each scrape.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class BoundedCounter:
    """A counter whose labels take only the values it was made with."""

    def __init__(self, counter: Counter, labels: Mapping[str, frozenset[str]]) -> None:
        self._counter = counter
        self._labels = labels

    def add(self, amount: int = 1, **labels: str) -> None:
        """Counts; `labels` names every label."""
        if not self._labels:
            self._counter.inc(amount)
            return
        values = [
            labels[name] if labels[name] in allowed else "other"
            for name, allowed in self._labels.items()
        ]
        self._counter.labels(*values).inc(amount)


class Telemetry:
    """The metrics of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)

    def counter(self, name: str, meaning: str, **labels: frozenset[str]) -> BoundedCounter:
        """A counter `callfunnel_<name>_total`."""
        made = Counter(f"callfunnel_{name}", meaning, list(labels), registry=self._registry)
        return BoundedCounter(made, labels)

    def watch(self, prefix: str, read: Callable[[], Any]) -> None:
        """Shows every number of what `read` returns (a dataclass or Struct) at each scrape."""
        self._registry.register(_Watched(prefix, read))

    def render(self) -> bytes:
        """All metrics as text."""
        return generate_latest(self._registry)


class _Watched(Collector):
    def __init__(self, prefix: str, read: Callable[[], Any]) -> None:
        self._prefix = prefix
        self._read = read

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        for name, value in msgspec.to_builtins(self._read()).items():
            if isinstance(value, int | float):
                family = GaugeMetricFamily(f"callfunnel_{self._prefix}_{name}", name)
                family.add_metric([], float(value))
                yield family
