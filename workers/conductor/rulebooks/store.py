"""Rows of rule books, and the library that tools look versions up in. One tenant each."""

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from callfunnel.domain.errors import Permanent
from callfunnel.domain.ids import TenantId
from callfunnel.domain.rulebook import PublishedRulebook, Rulebook
from callfunnel.infra.postgres import Connection
from workers.conductor.rulebooks.reading import Problem

_BOOKS_KEPT = 256


class Library:
    """Published versions by number; the newest used stay in memory, for they never change."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[TenantId, str, int], Rulebook] = OrderedDict()

    async def book(
        self, tenant: TenantId, connection: Connection, agent: str, version: int
    ) -> Rulebook | None:
        """That version, or None when there is none."""
        key = (tenant, agent, version)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        found = await (await connection.execute(_BOOK, key)).fetchone()
        if found is None:
            return None
        book = self._kept[key] = _read(found[0])
        while len(self._kept) > _BOOKS_KEPT:
            self._kept.popitem(last=False)
        return book


def _read(stored: object) -> Rulebook:
    """Raises Permanent for what no version of this program can have stored."""
    try:
        return msgspec.convert(stored, Rulebook)
    except msgspec.ValidationError as error:
        raise Permanent("a stored rule book is unreadable") from error


async def newest(
    tenant: TenantId, connection: Connection, agent: str
) -> tuple[PublishedRulebook, str] | None:
    """The newest version and its document; locks out other publishers of this agent.

    Raises Permanent when it cannot be read.
    """
    await connection.execute(_LOCK, (f"{tenant}.{agent}",))
    row = await (await connection.execute(_NEWEST, (tenant, agent))).fetchone()
    if row is None:
        return None
    version, digest, at, book, document = row
    published = PublishedRulebook(
        version=version, digest=digest, published_at=at, rulebook=_read(book)
    )
    return published, document


async def add(
    tenant: TenantId, connection: Connection, book: PublishedRulebook, document: str, by: str
) -> None:
    """Adds a version."""
    values = {
        "tenant": tenant,
        "agent": book.rulebook.agent,
        "version": book.version,
        "document": document,
        "rulebook": msgspec.json.encode(book.rulebook).decode(),
        "digest": book.digest,
        "at": book.published_at,
        "by": by,
    }
    await connection.execute(_ADD, values)


async def note_problems(
    tenant: TenantId, connection: Connection, agent: str, found: Sequence[Problem]
) -> None:
    """Keeps what is wrong with the newest edit; nothing, when nothing is."""
    if not found:
        await connection.execute(_NO_PROBLEMS, (tenant, agent))
        return
    await connection.execute(_PROBLEMS, (tenant, agent, msgspec.json.encode(found).decode()))


async def agents(tenant: TenantId, connection: Connection) -> list[str]:
    """The agents that have a rule book."""
    rows = await (await connection.execute(_AGENTS, (tenant,))).fetchall()
    return [row[0] for row in rows]


_LOCK = "select pg_advisory_xact_lock(hashtextextended(%s, 0))"
_BOOK = "select rulebook from rulebooks.versions where tenant = %s and agent = %s and version = %s"
_NEWEST = """
select version, digest, to_char(published_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    rulebook, document
from rulebooks.versions where tenant = %s and agent = %s order by version desc limit 1
"""
_ADD = """
insert into rulebooks.versions
    (tenant, agent, version, document, rulebook, digest, published_at, published_by)
values (%(tenant)s, %(agent)s, %(version)s, %(document)s, %(rulebook)s::text::jsonb, %(digest)s,
    %(at)s::timestamptz, %(by)s)
"""
_PROBLEMS = """
insert into rulebooks.problems (tenant, agent, problems) values (%s, %s, %s::text::jsonb)
on conflict (tenant, agent) do update set problems = excluded.problems, noted_at = now()
"""
_NO_PROBLEMS = "delete from rulebooks.problems where tenant = %s and agent = %s"
_AGENTS = "select distinct agent from rulebooks.versions where tenant = %s order by agent"
