"""Bus in: `PutRulebook`. Out: the published version in the registry, where calls find it.

A document that says the same as the newest version publishes nothing new. The database is the
truth; the registry is written again at every start, so a crash between the two heals itself.
"""

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec

from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.domain.ids import TenantId
from callfunnel.domain.rulebook import PublishedRulebook, Rulebook
from callfunnel.events.requests import PutRulebook, RulebookStored
from callfunnel.events.streams import RULEBOOKS
from callfunnel.infra import lexicon
from callfunnel.infra.bus import Bus, Received
from callfunnel.infra.clock import utc_now
from callfunnel.infra.kv import KeyValue
from callfunnel.infra.postgres import Connection, Pool, platform_connection, tenant_connection
from workers.conductor.rulebooks import rules, store
from workers.conductor.rulebooks.reading import Problem, Unreadable, read

FileOf = Callable[[TenantId, str], Path | None]

log = logging.getLogger(__name__)


def no_file(_tenant: TenantId, _agent: str) -> None:
    """Where rule books are rows and nothing else."""


_MOST_WAITING = 8
"""Documents that wait to be read; each may take most of a second of this process."""


class Rulebooks:
    """Validates and publishes. `kinds`: the kinds of tools there are, with the schema of their
    settings; `file_of`: the file that says the same for an agent of a tenant, if there is one.
    """

    def __init__(self, bus: Bus, pool: Pool, kinds: rules.Kinds, file_of: FileOf = no_file) -> None:
        self._kinds = kinds
        self._bus = bus
        self._pool = pool
        self._file_of = file_of
        self._registry: KeyValue = bus.kv(RULEBOOKS.name)
        self._turn = asyncio.Lock()
        self._waiting = 0

    def register(self) -> None:
        """Adds the responder; any number of processes share it."""
        self._bus.responder(PutRulebook, queue="rulebooks")(self._put)

    async def publish(
        self, tenant: TenantId, agent: str, document: str, by: str, *, keep: bool = False
    ) -> RulebookStored:
        """Publishes a valid document; says what is wrong with any other, and the old one stays.

        `keep`: what is wrong is also kept for readers of the API, because nobody waits for the
        answer (a file was edited). Raises Temporary when too many wait already.
        """
        book, found = await self._read(agent, document)
        async with tenant_connection(self._pool, tenant) as connection:
            if keep or not found:
                await store.note_problems(tenant, connection, agent, found)
            if book is None or found:
                errors = [msgspec.structs.asdict(problem) for problem in found]
                return RulebookStored(ok=False, errors=errors)
            published = await _version(tenant, connection, book, document, by)
        await self._show(tenant, published)
        return RulebookStored(ok=True, version=published.version)

    async def _read(self, agent: str, document: str) -> tuple[Rulebook | None, list[Problem]]:
        """One at a time and beside the loop: tools and approvals share this process."""
        if self._waiting >= _MOST_WAITING:
            raise Temporary("too many rule books at once", delay=5.0)
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(_validated, agent, document, self._kinds)
        finally:
            self._waiting -= 1

    async def show_all(self) -> None:
        """Writes the newest version of every agent into the registry; unreadable ones are not."""
        async with platform_connection(self._pool) as connection:
            rows = await (await connection.execute("select platform.tenant_ids()")).fetchall()
        for (name,) in rows:
            tenant = TenantId(name)
            async with tenant_connection(self._pool, tenant) as connection:
                known = [
                    await self._newest(tenant, connection, agent)
                    for agent in await store.agents(tenant, connection)
                ]
            for published in known:
                if published is not None:
                    await self._show(tenant, published)

    async def _newest(
        self, tenant: TenantId, connection: Connection, agent: str
    ) -> PublishedRulebook | None:
        """One that is unreadable must not keep all others from being shown."""
        try:
            found = await store.newest(tenant, connection, agent)
        except Permanent as error:
            log.error(
                "no rule book", extra={"tenant": tenant, "agent": agent, "reason": error.reason}
            )
            return None
        return None if found is None else found[0]

    async def _put(self, item: Received[PutRulebook]) -> RulebookStored:
        tenant, agent = item.envelope.tenant, item.envelope.key
        stored = await self.publish(tenant, agent, item.data.document, item.data.by)
        path = self._file_of(tenant, agent)
        if stored.ok and path is not None:
            await asyncio.to_thread(_rewrite, path, item.data.document)
        return stored

    async def _show(self, tenant: TenantId, published: PublishedRulebook) -> None:
        """An older version never replaces a newer one."""
        key, value = f"{tenant}.{published.rulebook.agent}", msgspec.json.encode(published)
        while True:
            entry = await self._registry.get(key)
            if entry is None:
                if await self._registry.create(key, value) is not None:
                    return
                continue
            if entry.value == value or _version_of(entry.value) > published.version:
                return
            if await self._registry.replace(key, value, entry.revision) is not None:
                return


def _version_of(shown: bytes) -> int:
    """0 for what is no rule book: whoever put it there, it gives way."""
    try:
        return msgspec.json.decode(shown, type=PublishedRulebook).version
    except msgspec.DecodeError:
        return 0


async def _version(
    tenant: TenantId, connection: Connection, book: Rulebook, document: str, by: str
) -> PublishedRulebook:
    digest = hashlib.sha256(document.encode()).hexdigest()
    known = await store.newest(tenant, connection, book.agent)
    if known is not None and known[0].digest == digest:
        return known[0]
    version = known[0].version + 1 if known else 1
    published = PublishedRulebook(
        version=version, digest=digest, published_at=utc_now(), rulebook=book
    )
    await store.add(tenant, connection, published, document, by)
    return published


def _validated(agent: str, text: str, kinds: rules.Kinds) -> tuple[Rulebook | None, list[Problem]]:
    try:
        document = read(text)
    except Unreadable as error:
        return None, [error.problem]
    book, found = rules.rulebook_of(document)
    if book is None:
        return None, found
    if book.agent != agent:
        what = f"this is the rule book of {book.agent}, not of {agent}"
        return None, [document.problem(("agent",), what, f"write `agent: {agent}`")]
    return book, rules.problems(document, book, kinds, lexicon.unknown)


def _rewrite(path: Path, document: str) -> None:
    if path.exists() and path.read_text() == document:
        return
    # Publishers write at the same time, also from other processes: each has a file of its own.
    scratch = path.with_suffix(f".{secrets.token_hex(6)}.new")
    scratch.write_text(document)
    scratch.replace(path)
