"""Migrations: plain SQL files applied once each, in the order of their names.

`NNNN_name.sql` in `callfunnel/infra/migrations`; schemas are independent of each other, so two
files may share a number. Each file runs in its own transaction together with its row in
`platform.migrations`; an advisory lock lets any number of processes try at once.
A file that changed after it was applied is refused: history is not edited, a new file is added.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from callfunnel.domain.errors import Permanent
from callfunnel.infra.postgres import translated

FOLDER = Path(__file__).parent / "migrations"
_NAME = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
_LOCK = 0x0CA11F
_LEDGER = """
create schema if not exists platform;
create table if not exists platform.migrations (
    name text primary key,
    sha256 text not null,
    applied_at timestamptz not null default now()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """The files of `folder` in order. Raises Permanent for a name that is not NNNN_words.sql."""
    files = sorted(folder.glob("*.sql"))
    for file in files:
        if not _NAME.fullmatch(file.name):
            raise Permanent(f"migration {file.name}: name it NNNN_words.sql")
    return [Migration(file.name, file.read_text(encoding="utf-8")) for file in files]


def migrate(conninfo: str, folder: Path = FOLDER) -> list[str]:
    """Apply what is missing as the owner behind `conninfo`; returns the names applied now.

    Raises Temporary when the database does not answer, Permanent for a file that is wrong.
    """
    with translated(), psycopg.connect(conninfo, autocommit=True) as connection:
        return apply(connection, migrations(folder))


def apply(connection: psycopg.Connection[tuple[Any, ...]], files: Sequence[Migration]) -> list[str]:
    connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
    try:
        connection.execute(_LEDGER)
        done = _applied(connection)
        return [file.name for file in files if _apply_one(connection, file, done)]
    finally:
        connection.execute("select pg_advisory_unlock(%s)", (_LOCK,))


def _applied(connection: psycopg.Connection[tuple[Any, ...]]) -> dict[str, str]:
    return dict(connection.execute("select name, sha256 from platform.migrations").fetchall())


def _apply_one(
    connection: psycopg.Connection[tuple[Any, ...]], file: Migration, done: dict[str, str]
) -> bool:
    known = done.get(file.name)
    if known is not None:
        if known != file.sha256:
            raise Permanent(f"migration {file.name} was changed after it had been applied")
        return False
    with connection.transaction():
        connection.execute(file.sql.encode())
        connection.execute(
            "insert into platform.migrations (name, sha256) values (%s, %s)",
            (file.name, file.sha256),
        )
    return True
