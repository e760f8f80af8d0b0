"""`Last-Event-ID` of a call's feed, then facts as they come, one a line (`seq` or a name).

Each fact is given out once at most, in order, and its id resumes behind it.
"""

import re

from callfunnel.domain.ids import CallId
from gateway.ordering import END, CallFact, Ordering
from tests.fuzz.target import Target, lines

_LETTERS = re.compile("[a-z]")
_CALL = CallId("c_" + "a" * 26)


def check(data: bytes) -> None:
    last_id, rest = lines(data, 2)
    try:
        ordering = Ordering(_CALL, last_id)
    except ValueError:
        return
    given: list[str] = []
    for line in rest.split("\n")[:40]:
        for due in ordering.take(fact(line)):
            given.append(due.fact.id)
            Ordering(_CALL, due.id[:600])
    ordering.skip()
    assert len(given) == len(set(given))


def fact(line: str) -> CallFact:
    seq = int(line) if line.isascii() and line.isdigit() and len(line) < 10 else None
    tag = line if seq is not None else ("".join(_LETTERS.findall(line))[:20] or END)
    kind = "callfunnel.call.ended.v1" if tag == END else "callfunnel.call.offered.v1"
    return CallFact(f"{_CALL}-{tag}", seq, kind, "", {"last_seq": len(line) % 5})


TARGET = Target(
    check=check,
    seeds=(
        f"{_CALL}-2\n1\n2\n3\nend\nsettled".encode(),
        f"{_CALL}-end+rated\nrated\nsettled".encode(),
        b"\n2\n1\nend\n3",
    ),
    tokens=(f"{_CALL}-", "end", "+rated", "settled", "\n"),
    most_bytes=1024,
)
