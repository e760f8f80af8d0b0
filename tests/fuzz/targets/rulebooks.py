"""Rule books: any text becomes a document, then a rule book, or problems with their lines."""

import msgspec

from callfunnel.domain.rulebook import Rulebook
from callfunnel.local.demo.seed import RULEBOOK
from tests.fuzz.target import Target
from workers.conductor.rulebooks import rules
from workers.conductor.rulebooks.reading import DEEPEST, MOST_VALUES, Unreadable, read
from workers.conductor.tools.kinds import KINDS

_SCHEMAS = {name: kind.settings for name, kind in KINDS.items()}


def check(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    try:
        document = read(text)
    except Unreadable as refused:
        assert refused.problem.line >= 1
        return
    assert len(document.lines) <= MOST_VALUES + 1
    assert max(len(path) for path in document.lines) <= DEEPEST + 1
    assert b"\\u0000" not in msgspec.json.encode(document.value)
    book, found = rules.rulebook_of(document)
    if book is None:
        assert found
        return
    for problem in rules.problems(document, book, _SCHEMAS, lambda words: set()):
        assert problem.line >= 1
        assert problem.what
    assert msgspec.json.decode(msgspec.json.encode(book), type=Rulebook) == book


_SMALL = """
agent: a
persona: {name: R, company: H}
greeting: Hello.
tools:
  - name: look
    kind: lookup
    description: looks
    parameters: {type: object, properties: {a: {type: integer}}}
    settings: {}
demo:
  intents: {bill: [why is my [last] bill (high | low)]}
  states: {start: {on: {bill: [{do: say, text: Yes.}]}}}
  start: start
"""

TARGET = Target(
    check=check,
    seeds=(
        _SMALL.encode(),
        RULEBOOK.read_bytes()[:4000],
        b"a: &a [1]\nb: [*a, *a]\nc: {<<: {x: 1}}",
        b'{"agent": "a", "persona": {"name": "R", "company": "H"}, "greeting": "Hi"}',
        b"- ? a\n  : |\n    text\n- !!binary aGk=\n- 2001-01-01\n- 0x1f\n- 1_000\n- .inf",
    ),
    tokens=(
        "&a ",
        "*a",
        "<<: ",
        "? ",
        ": ",
        "- ",
        "!!",
        "|\n",
        ">-\n",
        '"\\0"',
        "%YAML 1.2\n---\n",
    ),
    most_bytes=6000,
)
