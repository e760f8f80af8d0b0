"""The metrics of the whole product: documented, bounded, and scraped by a real Prometheus."""

import json
import math
import re
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from callfunnel.infra.metrics import METRICS, OF_CODE
from tests.simulators.otlp_collector import Collector
from tests.simulators.running_stack import RunningStack
from tests.simulators.waiting import eventually

PROMETHEUS = shutil.which("prometheus")
MOST_OF_CODE = 16
"""More durables or roles than one process has."""


@pytest.fixture(scope="module")
def up(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack that traces no call, after one call."""
    tracing = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_TRACES_SAMPLER_ARG": "0"}
    stack = RunningStack.start(tmp_path_factory.mktemp("measured"), **tracing)
    assert stack.call("say:why did my bill go up", "--hangup-after", "6", "--json")["settled"]
    yield stack
    assert stack.stop() == 0


@pytest.fixture(scope="module")
def targets(up: RunningStack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(up.run("targets"))
    return found


def scraped(target: dict[str, Any]) -> list[Sample]:
    url = f"http://{target['targets'][0]}/metrics"
    with urllib.request.urlopen(url, timeout=5) as answer:
        text = answer.read().decode()
    return [each for family in text_string_to_metric_families(text) for each in family.samples]


def by_process(targets: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """The sums over all labels, by process and name."""
    sums: dict[str, dict[str, float]] = {}
    for target in targets:
        of = sums.setdefault(target["labels"]["process"], {})
        for sample in scraped(target):
            of[sample.name] = of.get(sample.name, 0.0) + sample.value
    return sums


def test_every_process_of_ours_is_a_target(targets: list[dict[str, Any]]) -> None:
    names = {target["labels"]["process"] for target in targets}
    assert names == {"gateway", "media-1", "offpath", "issuer"}


def test_one_call_is_in_the_metrics_of_all_who_had_to_do_with_it(
    targets: list[dict[str, Any]],
) -> None:
    counts = by_process(targets)
    assert counts["gateway"]["callfunnel_admissions_total"] == 1
    assert counts["gateway"]["callfunnel_media_headroom"] == 25
    assert counts["media-1"]["callfunnel_calls_ended_total"] == 1
    assert counts["media-1"]["callfunnel_turn_seconds_count"] > 0
    assert counts["media-1"]["callfunnel_tools_total"] > 0
    assert counts["media-1"]["callfunnel_media_live"] == 0
    assert counts["offpath"]["callfunnel_consumer_acknowledged_total"] > 10
    assert counts["offpath"]["callfunnel_dead_letters"] == 0
    for process in ("gateway", "media-1", "offpath"):
        assert counts[process]["callfunnel_loop_lag_seconds_count"] > 0
        assert counts[process]["callfunnel_bus_ready"] >= 1


def test_every_metric_is_in_the_reference_and_within_its_bounds(
    targets: list[dict[str, Any]],
) -> None:
    for target in targets:
        series: dict[str, int] = {}
        seen = scraped(target)
        assert len({(s.name, *sorted(s.labels.items())) for s in seen}) == len(seen)
        for sample in seen:
            if not sample.name.startswith("process_"):
                metric = metric_of(sample.name)
                assert set(sample.labels) - {"le"} == set(METRICS[metric].labels)
                series[metric] = series.get(metric, 0) + 1
        for metric, count in series.items():
            assert count <= most_series(metric), metric


def metric_of(sample: str) -> str:
    name = sample.removeprefix("callfunnel_")
    return name if name in METRICS else re.sub(r"_(total|bucket|count|sum|created)$", "", name)


def most_series(metric: str) -> int:
    row = METRICS[metric]
    values = [MOST_OF_CODE if v == OF_CODE else len(v) + 1 for v in row.labels.values()]
    return math.prod(values) * (len(row.bounds) + 3 if row.bounds else 1)


def test_no_label_holds_a_tenant_or_an_id(targets: list[dict[str, Any]]) -> None:
    values = {v for target in targets for sample in scraped(target) for v in sample.labels.values()}
    assert not [value for value in values if value == "demo-tenant" or re.search(r"c_|\+1", value)]


def test_metrics_are_not_on_the_public_port(up: RunningStack) -> None:
    assert up.api.get("/metrics").status_code == 404


def test_a_call_that_is_not_sampled_exports_nothing(up: RunningStack, collector: Collector) -> None:
    assert up.json("calls")
    assert collector.requests == 0


@pytest.mark.skipif(PROMETHEUS is None, reason="no prometheus here: apt install prometheus")
def test_prometheus_scrapes_every_process(
    up: RunningStack, targets: list[dict[str, Any]], tmp_path: Path
) -> None:
    with prometheus(targets, tmp_path) as ask:
        eventually(lambda: len(ask("up == 1")) == len(targets), "every target is up", 30)
        ended = ask("sum by (cause) (callfunnel_calls_ended_total)")
        assert [each["value"][1] for each in ended] == ["1"]
        median = ask(
            "histogram_quantile(0.5, sum by (le) "
            '(callfunnel_turn_seconds_bucket{stage="response"}))'
        )
        assert 0 < float(median[0]["value"][1]) < 5
        assert ask("callfunnel_consumer_backlog{durable='timeline'}")[0]["value"][1] == "0"


class prometheus:  # noqa: N801 - used like a function
    """A Prometheus that reads those targets; entering it gives a way to ask it."""

    def __init__(self, targets: list[dict[str, Any]], folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        (folder / "targets.json").write_text(json.dumps(targets))
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s}\n"
            "scrape_configs:\n"
            "  - job_name: callfunnel\n"
            "    file_sd_configs: [{files: [targets.json]}]\n"
        )

    def __enter__(self) -> Any:
        command = [
            str(PROMETHEUS),
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            f"--web.listen-address=127.0.0.1:{self._port}",
        ]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)
        return self._ask

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)

    def _ask(self, query: str) -> list[dict[str, Any]]:
        where = f"http://127.0.0.1:{self._port}/api/v1/query?"
        try:
            url = where + urllib.parse.urlencode({"query": query})
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - on loopback
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        except OSError:
            return []
        return found
