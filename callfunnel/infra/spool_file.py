"""The spool's file: SQLite in WAL mode, used by one thread of one process.

Keeps accepted messages until the bus has stored them, and beside them a journal of the calls this
process holds, with counters that move in the same transaction as the messages they count. It
decides nothing about when to write or send. Personal data is overwritten when a row goes
(`secure_delete`), and the log is truncated when the spool is empty.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Final, NamedTuple

import msgspec

from callfunnel.domain.errors import UserError
from callfunnel.infra.spool_lane import PAGE, PAGE_BYTES, Page
from callfunnel.infra.windowed import Outgoing

_SCHEMA: Final = """
create table if not exists spool(
  key integer primary key, id text not null, subject text not null,
  headers blob not null, body blob not null, lane integer not null default 0);
create table if not exists calls(
  call text primary key, document blob not null,
  last_seq integer not null default 0, segments integer not null default 0,
  usage_records integer not null default 0, totals integer not null default 0) without rowid;
"""
_LATER: Final = (("spool", "lane"), ("calls", "totals"))
"""Columns that a spool of an earlier version may lack."""
_LANES: Final = "create index if not exists spool_by_lane on spool(lane, key)"
_COUNT: Final = """
update calls set last_seq = max(last_seq, ?), segments = segments + ?,
  usage_records = usage_records + ?, totals = totals + ? where call = ?"""
_PAGE: Final = """
select key, id, subject, headers, body from spool where lane = ? and key > ?
order by key limit ?"""
_OPEN: Final = "insert into calls(call, document) values(?, ?) on conflict(call) do nothing"


class SpoolInUse(UserError):
    """Another process holds this spool: two writers would send each other's calls."""


class Tally(NamedTuple):
    """What a message adds to the journal of its call, in the transaction that accepts it.

    `seq` is the fact's own number (0: no fact), `segments` and `usage_records` are added, `totals`
    of these tell about the whole call, once, `closes` removes the call from the journal: its end is
    accepted.
    """

    call: str
    seq: int = 0
    segments: int = 0
    usage_records: int = 0
    totals: int = 0
    closes: bool = False


class Accepted(NamedTuple):
    """A message to keep, and the lane it takes (`lane_of`)."""

    message: Outgoing
    tally: Tally | None
    lane: int


class Opened(NamedTuple):
    """A call begins, with all that whoever ends it must know."""

    call: str
    document: bytes


class Closed(NamedTuple):
    """The call is over without a message that says so."""

    call: str


class Stored(NamedTuple):
    """The bus has the message: forget it."""

    key: int


Step = Accepted | Opened | Closed | Stored


@dataclass(frozen=True, slots=True)
class UnfinishedCall:
    """A call that a predecessor left open, with the exact counts of what it has accepted."""

    call: str
    document: bytes
    last_seq: int
    segments: int
    usage_records: int
    totals: int = 0


@dataclass(frozen=True, slots=True)
class Leftover:
    """What was found when the file was opened."""

    rows: int
    size: int
    last_key: int
    calls: tuple[UnfinishedCall, ...]


Count = Annotated[int, msgspec.Meta(ge=0)]


class _Row(NamedTuple):
    """A message as it lies in the file."""

    key: int
    id: str
    subject: str
    headers: bytes
    body: bytes
    lane: Count


class _Call(NamedTuple):
    """A call as it lies in the journal."""

    call: str
    document: bytes
    last_seq: Count
    segments: Count
    usage_records: Count
    totals: Count


class SpoolFile:
    """One open spool. Every method belongs to the spool's writer thread."""

    def __init__(self, folder: Path, *, synchronous: str = "NORMAL") -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _locked(folder / "spool.lock")
        try:
            self.db = _opened(folder / "spool.db", synchronous)
            self._found = _leftover(self.db)
        except (sqlite3.Error, ValueError, RecursionError) as error:
            if hasattr(self, "db"):
                self.db.close()
            self._lock.close()
            what = f"the spool {folder} cannot be read ({error})"
            raise UserError(what, "move it away to start anew; what it held is not sent") from error

    def leftover(self) -> Leftover:
        """What a predecessor had left behind when the file was opened."""
        return self._found

    def apply(self, steps: Sequence[Step]) -> None:
        """Does all steps in one transaction, in order where order matters, or none of them."""
        self.db.execute("begin")
        try:
            self._insert(step for step in steps if isinstance(step, Accepted))
            gone = ((step.key,) for step in steps if isinstance(step, Stored))
            self.db.executemany("delete from spool where key = ?", gone)
            for step in steps:
                self._journal(step)
            self.db.execute("commit")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("rollback")
            raise

    def page(self, lane: int, after: int) -> Page:
        """The next messages of a lane by key, oldest first: about a page, in number and in size."""
        found: list[Outgoing] = []
        left = PAGE_BYTES
        rows = self.db.execute(_PAGE, (lane, after, PAGE))
        for key, id, subject, headers, body in rows:
            known = msgspec.msgpack.decode(headers, type=dict[str, str])
            found.append(Outgoing(key, id, subject, known, body))
            left -= len(body)
            if left <= 0:
                break
        rows.close()
        return Page(lane, found, left <= 0 or len(found) == PAGE)

    def truncate_log(self) -> None:
        """Empties the write-ahead log, so that nothing deleted lives on in it."""
        self.db.execute("pragma wal_checkpoint(truncate)").fetchone()

    def close(self) -> None:
        """Closes the file and lets another process have it."""
        self.db.close()
        self._lock.close()

    def _insert(self, steps: Iterable[Accepted]) -> None:
        encode = msgspec.msgpack.encode
        self.db.executemany(
            "insert into spool values(?, ?, ?, ?, ?, ?)",
            ((m.key, m.id, m.subject, encode(m.headers), m.body, lane) for m, _, lane in steps),
        )

    def _journal(self, step: Step) -> None:
        match step:
            case Accepted(tally=Tally() as tally):
                counts = (tally.seq, tally.segments, tally.usage_records, tally.totals)
                self.db.execute(_COUNT, (*counts, tally.call))
                if tally.closes:
                    self.db.execute("delete from calls where call = ?", (tally.call,))
            case Opened():
                self.db.execute(_OPEN, step)
            case Closed():
                self.db.execute("delete from calls where call = ?", step)


def _leftover(db: sqlite3.Connection) -> Leftover:
    """Everything in the file, looked at once, so that nothing in it surprises the sender later.

    Raises ValueError for what this program did not write, sqlite3.Error for a damaged file.
    """
    verdict = db.execute("pragma integrity_check(1)").fetchone()[0]
    if verdict != "ok":
        raise ValueError(str(verdict)[:100])
    rows = size = last = 0
    for row in db.execute("select key, id, subject, headers, body, lane from spool order by key"):
        message = msgspec.convert(row, _Row)
        msgspec.msgpack.decode(message.headers, type=dict[str, str])
        rows, size, last = rows + 1, size + len(message.body), message.key
    calls = db.execute(
        "select call, document, last_seq, segments, usage_records, totals from calls"
    )
    found = tuple(UnfinishedCall(*msgspec.convert(row, _Call)) for row in calls)
    return Leftover(rows, size, last, found)


def _opened(path: Path, synchronous: str) -> sqlite3.Connection:
    path.touch(mode=0o600)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in (
            "journal_mode=wal",
            f"synchronous={synchronous}",
            "secure_delete=on",
            "journal_size_limit=0",
        ):
            db.execute(f"pragma {pragma}")
        db.executescript(_SCHEMA)
        for table, column in _LATER:
            if column not in {row[1] for row in db.execute(f"pragma table_info({table})")}:
                db.execute(f"alter table {table} add column {column} integer not null default 0")
        db.execute(_LANES)
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db


def _locked(path: Path) -> IO[str]:
    """The lock dies with the process, so a killed holder never blocks its successor."""
    lock = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        what = f"the spool {path.parent} is held by another process"
        raise SpoolInUse(what, "stop that process, or give this one its own folder") from error
    return lock
