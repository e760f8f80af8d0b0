"""Server-sent events as the command line reads them: facts, each told in one line."""

from callfunnel.cli import facts
from tests.fuzz.target import Target


def check(data: bytes) -> None:
    lines = data.decode("utf-8", "replace").split("\n")
    found = list(facts.from_lines(lines))
    for fact in found:
        line = facts.describe(fact)
        assert isinstance(line, str)
        assert not line or line.isprintable()


TARGET = Target(
    check=check,
    seeds=(
        b'id: 1\nevent: a\ndata: {"name":"caller_spoke","data":{"text":"hi","start_ms":1}}',
        b'data: {"name":"ended","data":{"cause":"silence","by":"caller","duration_ms":5}}',
        b'data: {"name":"tool_called","data":{"tool":"a","arguments":{"b":1}}}\n: still here',
    ),
    tokens=("data:", '{"name":"', '"data":{', '"settled"', '"missing":[', "\\n"),
)
