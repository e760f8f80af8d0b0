"""Generated documents are fresh, whole and valid AsyncAPI 3.0.0."""

import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from callfunnel.events import asyncapi, generator, markdown
from callfunnel.events.call import CallerSpoke

ROOT = Path(__file__).parents[4]
SPECS = "node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json"


@pytest.fixture
def document() -> asyncapi.Json:
    return asyncapi.document(generator.ordered())


@pytest.fixture
def schema() -> Any:
    """The schema the AsyncAPI project publishes (npm package @asyncapi/specs)."""
    named = os.environ.get("CALLFUNNEL_ASYNCAPI_SCHEMA")
    path = Path(named) if named else ROOT / SPECS
    if not path.is_file():
        pytest.skip("the AsyncAPI schema is not here: npm install --no-save @asyncapi/specs")
    return json.loads(path.read_text())


def test_the_documents_in_the_tree_are_what_the_catalogue_says() -> None:
    assert generator.stale(ROOT) == [], "run: python -m callfunnel.events.generator"


def test_a_changed_document_is_called_stale(tmp_path: Path) -> None:
    for name, text in generator.documents().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert generator.stale(tmp_path) == []
    (tmp_path / "subjects.md").write_text("something else")
    assert generator.stale(tmp_path) == ["subjects.md"]


def test_the_order_does_not_depend_on_what_was_imported_first() -> None:
    rows = generator.ordered()
    assert [row.family for row in rows[:1]] == ["call"]
    assert rows == generator.ordered()


def test_every_message_has_its_place_on_the_page_and_in_the_document(
    document: asyncapi.Json,
) -> None:
    rows = generator.ordered()
    page = markdown.page(rows)
    for row in rows:
        assert f"### {row.cls.__name__}\n" in page
        assert f"`cf.<tenant>.{row.family}.<{row.key}>.{row.name}`" in page
        assert document["components"]["messages"][row.cls.__name__]["name"] == row.type_name
        assert f"send.{row.family}.{row.name}" in document["operations"]


def test_the_page_says_which_fields_are_redacted() -> None:
    page = markdown.page(generator.ordered())
    section = page.split(f"### {CallerSpoke.__name__}\n")[1].split("###")[0]
    line = next(line for line in section.splitlines() if line.startswith("| `text`"))
    assert "redacted" in line


def test_every_reference_in_the_document_leads_somewhere(document: asyncapi.Json) -> None:
    for reference in _references(document):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in found, f"{reference} leads nowhere"
            found = found[part]


def test_the_yaml_is_read_as_what_was_written(document: asyncapi.Json) -> None:
    text = generator.documents()["docs/asyncapi.yaml"]
    assert YAML(typ="safe", pure=False).load(text) == document


def test_every_parameter_is_in_its_address(document: asyncapi.Json) -> None:
    for name, channel in document["channels"].items():
        for parameter in channel.get("parameters", {}):
            assert f"{{{parameter}}}" in channel["address"], name


def test_the_document_is_valid_asyncapi(document: asyncapi.Json, schema: Any) -> None:
    validator = jsonschema.Draft7Validator(schema)
    problems = [f"{list(e.absolute_path)}: {e.message}" for e in validator.iter_errors(document)]
    assert problems == []


def test_the_schema_would_notice_a_mistake(document: asyncapi.Json, schema: Any) -> None:
    broken = copy.deepcopy(document)
    broken["operations"]["send.call.ended"]["action"] = "shout"
    assert list(jsonschema.Draft7Validator(schema).iter_errors(broken))


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
