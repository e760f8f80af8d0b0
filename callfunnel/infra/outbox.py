"""The transactional outbox: what a transaction promised to tell the bus is told, once it commits.

`put` writes the messages in the caller's own transaction; the sender publishes them and deletes a
row only when the stream has it. A process that dies in between leaves rows that any other process
of the feature finds. Told twice is possible, under the same id; forgotten is not.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import msgspec

from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.domain.ids import TenantId
from callfunnel.events.envelope import Event, Wire, to_wire
from callfunnel.infra.background import Background
from callfunnel.infra.postgres import (
    Connection,
    Pool,
    is_in_transaction,
    platform_connection,
    tenants_connection,
)

_AT_ONCE = 500
_LOOK_AGAIN_S = 10.0
_AFTER_TROUBLE_S = 1.0
_DOWN_AFTER = 3
_GATHER_S = 0.02
log = logging.getLogger(__name__)


class Sender(Protocol):
    """The part of the bus that an outbox needs."""

    async def publish_wires(self, wires: Sequence[Wire], *, within_s: float = ...) -> None: ...


class Outbox:
    """The outbox table of one schema (made by `platform.add_outbox`) and its sender.

    `unhurried`: nobody waits for what it tells, so a few transactions are told together.
    """

    def __init__(self, schema: str, pool: Pool, bus: Sender, *, unhurried: bool = False) -> None:
        if not schema.isidentifier():
            raise ValueError(f"{schema!r} is no schema")
        self._pool = pool
        self._bus = bus
        self._schema = schema
        self._promised: WeakKeyDictionary[Connection, set[TenantId]] = WeakKeyDictionary()
        self._waiting: set[TenantId] = set()
        self._look_at = 0.0
        self._gather_s = _GATHER_S if unhurried else 0.0
        self._sending = Background(f"outbox of {schema}", self._send_due)
        self._insert = _INSERT.replace("schema.", f"{schema}.")
        self._select = _SELECT.replace("schema.", f"{schema}.")
        self._delete = _DELETE.replace("schema.", f"{schema}.")
        self._tenants = _TENANTS.replace("schema.", f"{schema}.")

    async def put(
        self, tenant: TenantId, connection: Connection, events: Sequence[Event[Any]]
    ) -> None:
        """Writes the events into the open transaction of `tenant`; the same id counts once.

        Call `wake` after the commit.
        """
        if any(event.envelope.tenant != tenant for event in events):
            raise ValueError("a transaction of one tenant promises nothing for another")
        await self.put_all(connection, events)

    async def put_all(self, connection: Connection, events: Sequence[Event[Any]]) -> None:
        """As `put`, in the transaction of a batch, which has named the tenants of all events."""
        if not events:
            return
        promised = self._promised.setdefault(connection, set())
        promised.update(event.envelope.tenant for event in events)
        wires = [to_wire(event) for event in events]
        values = (
            [event.envelope.tenant for event in events],
            [wire.id for wire in wires],
            [wire.subject for wire in wires],
            [msgspec.json.encode(wire.headers).decode() for wire in wires],
            [wire.body for wire in wires],
        )
        await connection.execute(self._insert, values, prepare=True)

    def wake(self, *tenants: TenantId) -> None:
        """A transaction of these tenants has committed: send what it promised, if anything.

        A promise is remembered until its transaction is seen to be over: another one of the same
        tenant may commit before, and what it wakes does not see this one's.
        """
        due: set[TenantId] = set()
        for connection, promised in list(self._promised.items()):
            if is_in_transaction(connection):
                due |= promised.intersection(tenants)
            else:
                due |= self._promised.pop(connection)
        if due:
            self._waiting |= due
            self._sending.wake()

    async def start(self) -> None:
        """Begins to send, with what an earlier process left."""
        self._sending.start()

    async def stop(self) -> None:
        """Stops; what is not told stays in the table."""
        await self._sending.stop()

    async def _send_due(self) -> float:
        if self._waiting:
            await asyncio.sleep(self._gather_s)
        return await self._send_all(await self._due())

    async def _due(self) -> set[TenantId]:
        """The tenants that were woken; from time to time, all that have something."""
        due, self._waiting = self._waiting, set()
        now = asyncio.get_running_loop().time()
        if due and now < self._look_at:
            return due
        self._look_at = now + _LOOK_AGAIN_S
        try:
            async with platform_connection(self._pool) as connection:
                rows = await (await connection.execute(self._tenants)).fetchall()
        except Exception as error:
            self._trouble(error)
            return due
        return due | {TenantId(row[0]) for row in rows}

    async def _send_all(self, tenants: set[TenantId]) -> float:
        """Returns the seconds until the next look; a tenant in trouble is tried again sooner.

        Together first. When that fails it may be one tenant's message: each alone, until some
        fail in a row, which means that nobody's can be told now.
        """
        if await self._tried(tenants):
            return _LOOK_AGAIN_S
        left, in_a_row = sorted(tenants), 0
        while len(tenants) > 1 and left and in_a_row < _DOWN_AFTER:
            alone = left.pop()
            told = await self._tried({alone})
            in_a_row = 0 if told else in_a_row + 1
            self._waiting |= set() if told else {alone}
        self._waiting.update(left)
        return _AFTER_TROUBLE_S

    async def _tried(self, tenants: set[TenantId]) -> bool:
        try:
            await self._send_for(tenants)
        except Exception as error:
            self._trouble(error)
            return False
        return True

    async def _send_for(self, tenants: set[TenantId]) -> None:
        while tenants and await self._send(tenants) == _AT_ONCE:
            pass

    def _trouble(self, error: Exception) -> None:
        """A foreign exception is named by its type only: its text may quote a message."""
        foreign = type(error).__name__
        reason = error.reason if isinstance(error, Temporary | Permanent) else foreign
        log.warning("outbox", extra={"schema": self._schema, "reason": reason})

    async def _send(self, tenants: set[TenantId]) -> int:
        """Sends some rows that no other process is sending; returns how many."""
        async with tenants_connection(self._pool, tenants) as connection:
            found = await connection.execute(
                self._select, (sorted(tenants), _AT_ONCE), prepare=True
            )
            rows = await found.fetchall()
            if rows:
                wires = [Wire(id, subject, headers, body) for _, id, subject, headers, body in rows]
                await self._bus.publish_wires(wires)
                sent = ([row[0] for row in rows], [row[1] for row in rows])
                await connection.execute(self._delete, sent, prepare=True)
        return len(rows)


_INSERT = """
insert into schema.outbox (tenant, id, subject, headers, body)
select tenant, id, subject, headers::jsonb, body
from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bytea[])
    as told (tenant, id, subject, headers, body)
on conflict do nothing
"""
_SELECT = """
select tenant, id, subject, headers, body from schema.outbox where tenant = any(%s)
order by n limit %s for update skip locked
"""
_DELETE = """
delete from schema.outbox where (tenant, id) in (select * from unnest(%s::text[], %s::text[]))
"""
_TENANTS = "select schema.outbox_tenants()"
