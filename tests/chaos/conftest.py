"""The whole product, started by the command a user types, with its processes in reach."""

from collections.abc import Iterator

import pytest

from tests.simulators.running_stack import RunningStack


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """One stack for the module; every test leaves it whole again."""
    stack = RunningStack.start(tmp_path_factory.mktemp("stack"))
    yield stack
    assert stack.stop() == 0
