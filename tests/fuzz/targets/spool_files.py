"""A spool's file as a successor finds it: changed in places, cut short, or another file altogether.

The first byte says which: `f` the rest is the file; else the rest are changes of a good one, each
three bytes of place and one of value, and an odd byte at the end cuts the file there.
"""

import sqlite3
import tempfile
from functools import cache
from pathlib import Path

from callfunnel.domain.errors import UserError
from callfunnel.infra.spool_file import Accepted, Opened, SpoolFile, Stored, Tally
from callfunnel.infra.spool_lane import lane_of
from callfunnel.infra.windowed import Outgoing
from tests.fuzz.target import Target

_CALL = "c_" + "a" * 26


@cache
def good() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = SpoolFile(Path(folder))
        head = {"ce-id": "a"}
        told = [Outgoing(n, f"{_CALL}-{n}", "cf.demo.raw.c.x", head, b"{}" * 20) for n in (1, 2, 3)]
        file.apply(
            [
                Opened(_CALL, b"{}"),
                *(Accepted(each, Tally(_CALL, seq=1), lane_of(each.subject)) for each in told),
            ]
        )
        file.truncate_log()
        file.close()
        return (Path(folder) / "spool.db").read_bytes()


def foreign(*statements: str) -> bytes:
    """Another program's database."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.db"
        with sqlite3.connect(path) as db:
            for each in statements:
                db.execute(each)
        db.close()
        return path.read_bytes()


def check(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "spool.db").write_bytes(content(data))
        try:
            file = SpoolFile(Path(folder))
        except UserError:
            return
        try:
            use(file)
        except UserError:
            pass
        finally:
            file.close()


def content(data: bytes) -> bytes:
    if data[:1] == b"f":
        return data[1:]
    file, changes = bytearray(good()), data[1:]
    for at in range(0, len(changes) - 3, 4):
        place = int.from_bytes(changes[at : at + 3], "big") % len(file)
        file[place] = changes[at + 3]
    if len(changes) % 4:
        del file[int.from_bytes(changes[-2:], "big") % len(file) :]
    return bytes(file)


def use(file: SpoolFile) -> None:
    left = file.leftover()
    assert min(left.rows, left.size, left.last_key) >= 0
    for call in left.calls:
        assert isinstance(call.call, str)
        assert isinstance(call.document, bytes)
        assert min(call.last_seq, call.segments, call.usage_records) >= 0
    for message in [each for lane in range(4) for each in file.page(lane, 0).messages]:
        assert isinstance(message.headers, dict)
        assert isinstance(message.subject, str)
    file.apply([Stored(1), Opened("c_x", b"{}")])
    file.truncate_log()


TARGET = Target(
    check=check,
    seeds=(
        b"c",
        b"c\x00\x10\x05\xff\x00\x20\x10\x00",
        b"c\x0f\xff",
        b"f",
        b"f" + good(),
        b"f" + foreign("create table spool(a)", "create table calls(b)"),
        b"f" + foreign("create view spool as select 1 as key", "create table x(b)"),
    ),
    tokens=("create table spool", "SQLite format 3\x00"),
    most_bytes=20_000,
)
