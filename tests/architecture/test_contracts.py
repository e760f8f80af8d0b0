"""The import contracts name every feature there is: a new folder is independent at once."""

import tomllib
from typing import Any

import pytest

from tools.tree import PRODUCT, ROOT

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
DEPLOYABLES = ("conductor", "persistence", "billing")


def contract_of(container: str) -> dict[str, Any]:
    found = [each for each in SETTINGS["contracts"] if each.get("containers") == [container]]
    assert len(found) == 1
    return dict(found[0])


@pytest.mark.parametrize("deployable", DEPLOYABLES)
def test_every_feature_folder_is_named_in_its_contract(deployable: str) -> None:
    folder = ROOT / "workers" / deployable
    features = {each.parent.name for each in folder.glob("*/__init__.py")}
    (siblings,) = contract_of(f"workers.{deployable}")["layers"]
    named = {each.strip(" ()") for each in siblings.split("|")}
    assert features - named == set()


def test_every_worker_is_named_in_its_contract() -> None:
    workers = {each.parent.name for each in (ROOT / "workers").glob("*/__init__.py")}
    (siblings,) = contract_of("workers")["layers"]
    assert workers - {each.strip(" ()") for each in siblings.split("|")} == set()


def test_every_folder_of_the_product_is_a_package_that_the_contracts_see() -> None:
    folders = {each.parent for root in PRODUCT for each in (ROOT / root).rglob("*.py")}
    assert [str(each) for each in folders if not (each / "__init__.py").is_file()] == []
