"""The alerts name metrics that there are, in a form that Prometheus reads."""

import re
import shutil
import subprocess

import pytest
from ruamel.yaml import YAML

from callfunnel.infra.metrics import METRICS
from tools.tree import ROOT

ALERTS = ROOT / "docs" / "alerts.yml"
PROMTOOL = shutil.which("promtool")
SHOWN = {
    f"{metric.shown}{ending}"
    for metric in METRICS.values()
    for ending in (("_bucket", "_count", "_sum") if metric.kind == "histogram" else ("",))
}


def expressions() -> list[str]:
    found = YAML(typ="safe").load(ALERTS)
    return [rule["expr"] for group in found["groups"] for rule in group["rules"]]


def test_every_metric_of_an_alert_exists() -> None:
    named = {name for each in expressions() for name in re.findall(r"callfunnel_\w+", each)}
    assert named
    assert named <= SHOWN


def test_every_value_an_alert_waits_for_can_occur() -> None:
    allowed = {
        value for metric in METRICS.values() for of in metric.labels.values() for value in of
    }
    for expression in expressions():
        for values in re.findall(r'(?:outcome|cause|stage)=~?"([\w|]+)"', expression):
            assert set(values.split("|")) <= allowed


@pytest.mark.skipif(PROMTOOL is None, reason="no promtool here: apt install prometheus")
def test_prometheus_reads_the_alerts() -> None:
    command = [str(PROMTOOL), "check", "rules", str(ALERTS)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
