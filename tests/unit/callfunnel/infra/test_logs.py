"""Logs hold no personal data: what may be written is a list, and the code is checked against it."""

import ast
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from callfunnel.infra.logs import (
    FIELDS,
    AllowList,
    JsonLines,
    UnknownLogField,
    about,
    write_json_lines,
)

ROOT = Path(__file__).parents[4]
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(AllowList())
    handler.setFormatter(JsonLines("test-1"))
    logger = logging.getLogger("callfunnel.logs_test")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)


log = logging.getLogger("callfunnel.logs_test")


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [msgspec.json.decode(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_the_call_it_is_about(written: io.StringIO) -> None:
    with about(call="c_1", request="r_1"):
        log.info("call ended", extra={"cause": "caller_hangup"})

    (line,) = lines(written)
    assert line["message"] == "call ended"
    assert line["process"] == "test-1"
    assert (line["call"], line["request"], line["cause"]) == ("c_1", "r_1", "caller_hangup")


@pytest.fixture
def root_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    kept, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = kept, level


def test_vendors_are_heard_of_trouble_but_not_of_each_peer_that_goes(root_as_it_was: None) -> None:
    stream = io.StringIO()
    write_json_lines("test-1", to=stream)

    logging.getLogger("aiofastnet").warning("write() called after connection lost")
    logging.getLogger("nats").warning("slow consumer")

    assert [line["message"] for line in lines(stream)] == ["slow consumer"]


def test_a_field_that_is_not_allowed_never_reaches_the_line(written: io.StringIO) -> None:
    log.info("heard", extra={"transcript": "my card is 4111"})

    assert "4111" not in written.getvalue()


def test_each_of_the_two_that_write_a_line_leaves_out_by_itself_what_is_not_allowed() -> None:
    """A vendor's formatter may stand behind the filter, and a vendor's handler before the lines."""
    record = logging.makeLogRecord(
        {"name": "x", "msg": "y", "transcript": "my card is 4111", "call": "c_1"}
    )
    line = JsonLines("test-1").format(record)
    assert "4111" not in line
    assert "c_1" in line
    AllowList().filter(record)
    assert "transcript" not in vars(record)


def test_arguments_never_reach_the_line(written: io.StringIO) -> None:
    log.info("heard %s", "my card is 4111")

    assert "4111" not in written.getvalue()


def test_an_exception_is_its_type_and_place_and_not_its_text(written: io.StringIO) -> None:
    try:
        raise ValueError("my card is 4111")
    except ValueError:
        log.exception("failed")

    assert "4111" not in written.getvalue()
    (line,) = lines(written)
    assert line["error"] == "ValueError"
    assert "test_logs.py" in str(line["place"])


def test_in_a_test_an_unknown_field_raises() -> None:
    handler = logging.StreamHandler(io.StringIO())
    handler.addFilter(AllowList(strict=True))
    log.addHandler(handler)
    try:
        with pytest.raises(UnknownLogField, match="transcript"):
            log.error("heard", extra={"transcript": "x"})
        with pytest.raises(UnknownLogField, match="arguments"):
            log.error("heard %s", "x")
    finally:
        log.removeHandler(handler)


def test_every_log_call_of_the_product_names_allowed_fields_only() -> None:
    """The guard for paths that no test walks: read from the source."""
    sources = [
        path
        for package in ("callfunnel", "workers", "gateway")
        for path in sorted((ROOT / package).rglob("*.py"))
    ]
    assert [breach for path in sources for breach in _breaches(path)] == []


def _breaches(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner = node.func.value
        named = isinstance(owner, ast.Name) and owner.id in {"log", "_log", "logger", "LOG"}
        if not named or node.func.attr not in LEVELS:
            continue
        place = f"{path.relative_to(ROOT)}:{node.lineno}"
        if len(node.args) != 1 or not isinstance(node.args[0], ast.Constant):
            yield f"{place}: the message is one fixed text, values go into extra"
        for keyword in node.keywords:
            if keyword.arg == "extra" and isinstance(keyword.value, ast.Dict):
                for key in keyword.value.keys:
                    if isinstance(key, ast.Constant) and key.value not in FIELDS:
                        yield f"{place}: the field {key.value!r} is not on the list of logs.py"
