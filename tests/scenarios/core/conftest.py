"""Scenarios of one call in virtual time: see `tests/simulators/scripted_call.py`."""

import pytest

from tests.simulators.scripted_call import ScriptedCall


@pytest.fixture
def call() -> ScriptedCall:
    """A call of the demo's kind of rule book; nothing has happened yet."""
    return ScriptedCall()
