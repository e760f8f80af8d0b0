"""What gathers during an outage, and whether working it off is measured."""

import re

from bench.backlog import CONSUMERS
from bench.harness.compare import ROOT

DURABLE = re.compile(r"\.consumer\(\s*\"([a-z0-9-]+)\"")


def test_the_backlog_of_every_durable_is_measured() -> None:
    files = (ROOT / "workers").rglob("*.py")
    durables = {name for file in files for name in DURABLE.findall(file.read_text())}
    assert durables == {each.durable for each in CONSUMERS}
