"""The OpenAPI document is fresh and complete."""

from typing import Any

import pytest

from gateway.app import routes
from gateway.openapi import FILE, document
from gateway.problems import KINDS

OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in routes().openapi()["paths"].items()
    for method, operation in methods.items()
]


def test_the_committed_document_is_fresh() -> None:
    assert FILE.read_text(encoding="utf-8") == document(), "run `python -m gateway.openapi`"


@pytest.mark.parametrize(("name", "operation"), OPERATIONS)
def test_every_operation_says_what_it_does(name: str, operation: dict[str, Any]) -> None:
    assert operation["description"]
    assert operation["tags"]


@pytest.mark.parametrize(("name", "operation"), [each for each in OPERATIONS if " /v1/" in each[0]])
def test_every_operation_of_the_api_needs_a_token_and_names_its_problems(
    name: str, operation: dict[str, Any]
) -> None:
    assert operation["security"] == [{"token": []}]
    for status in ("401", "403", "404", "422", "429", "503"):
        assert "application/problem+json" in operation["responses"][status]["content"]


def test_problem_types_are_unique() -> None:
    assert len({kind.urn for kind in KINDS}) == len(KINDS)
