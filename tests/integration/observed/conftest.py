"""What an operator's collector is told."""

from collections.abc import Iterator

import pytest

from tests.simulators.otlp_collector import Collector, collecting


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """One for the module's stack."""
    with collecting() as collector:
        yield collector
