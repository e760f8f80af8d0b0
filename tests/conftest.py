"""The order of the suite: what is quick and explains most comes first."""

import pytest
from hypothesis import settings

settings.register_profile("house", deadline=None)  # a busy machine is no failure
settings.load_profile("house")

ORDER = ("architecture", "unit", "scenarios", "contract", "integration", "chaos", "page")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts by folder and keeps each file's own order."""
    items.sort(key=lambda item: rank(item.path.parts))


def rank(parts: tuple[str, ...]) -> int:
    """A folder of tests that nobody ranked runs last."""
    inside = parts[len(parts) - parts[::-1].index("tests") :]
    return ORDER.index(inside[0]) if inside[0] in ORDER else len(ORDER)
