"""Postgres for every process: pools per role, and the one way to a tenant's rows.

`tenant_connection` and, for batches, `tenants_connection` and `call_for_tenants` alone say whose
rows a connection sees: for one transaction, so a pooled connection never carries a tenant to its
next user. What psycopg raises leaves here as Temporary (try again) or Permanent (no try will help).
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.sql import SQL, Composed, Identifier, Placeholder
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.domain.ids import PLATFORM, TenantId, tenant_id
from callfunnel.infra.secrets import Secrets
from callfunnel.infra.settings import PlatformSettings

Connection = AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[Connection]

_TEMPORARY = (
    psycopg.OperationalError,  # connection lost, server starting, disk full, serialization, timeout
    psycopg.InterfaceError,  # the connection was closed under us
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
)
_UNDER_WAY = (TransactionStatus.ACTIVE, TransactionStatus.INTRANS, TransactionStatus.INERROR)
_FRESH_S = 0.5
_LAST_USED: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
_ONE_TENANT = SQL("begin; select set_config('callfunnel.tenant', {}, true)")
_MANY_TENANTS = SQL("begin; select set_config('callfunnel.tenants', {}, true)")
_SESSION = "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"


async def conninfo(settings: PlatformSettings, role: str, secrets: Secrets) -> str:
    """How `role` (owner, gateway, conductor, persistence, billing) reaches the database."""
    credentials = await secrets.get(PLATFORM, f"postgres/{role}")
    return make_conninfo(
        settings.postgres_url,
        user=credentials["user"],
        password=credentials["password"],
        application_name=settings.process,
        connect_timeout=5,
        options=_SESSION,
    )


async def connect_pool(
    settings: PlatformSettings, role: str, secrets: Secrets, *, size: int = 4, wait: float = 30.0
) -> Pool:
    """An open pool of at most `size` connections of `role`; waits up to `wait` s for the first.

    Raises Temporary when the database does not answer in that time. Close it when done.
    """
    pool: Pool = AsyncConnectionPool(
        await conninfo(settings, role, secrets),
        kwargs={"autocommit": True},
        min_size=1,
        max_size=size,
        timeout=5.0,
        reconnect_timeout=3.0,  # attempts 1 s and 3 s after a loss, then each new user starts anew
        check=_still_there,
        reset=_used,
        open=False,
        name=role,
    )
    with translated():
        await pool.open()
        try:
            await pool.wait(wait)
        except PoolTimeout:
            await pool.close()
            raise
    return pool


async def _used(connection: Connection) -> None:
    """Called by the pool when somebody gives a connection back."""
    _LAST_USED[connection] = time.monotonic()


async def _still_there(connection: Connection) -> None:
    """Raises when the database is gone; nobody asks it who heard of it a moment ago."""
    if time.monotonic() - _LAST_USED.get(connection, float("-inf")) > _FRESH_S:
        await AsyncConnectionPool.check_connection(connection)


def is_in_transaction(connection: Connection) -> bool:
    """Whether a transaction of this connection is not over yet, be it a later one."""
    return connection.info.transaction_status in _UNDER_WAY


@asynccontextmanager
async def tenant_connection(pool: Pool, tenant: TenantId) -> AsyncIterator[Connection]:
    """A connection that sees the rows of `tenant` alone, inside one transaction.

    Commits when the block ends well and rolls back when it raises. Raises Temporary, Permanent.
    """
    async with _transaction(pool, _ONE_TENANT.format(tenant_id(tenant))) as connection:
        yield connection


@asynccontextmanager
async def tenants_connection(
    pool: Pool, tenants: Collection[TenantId]
) -> AsyncIterator[Connection]:
    """A connection that sees the rows of these tenants and no other, inside one transaction.

    For a batch of messages of many tenants; the roles that consume batches have it (migration
    0210), for any other role it sees nothing. Every statement says whose each row is. Commits when
    the block ends well and rolls back when it raises. Raises Temporary, Permanent.
    """
    named = ",".join(tenant_id(tenant) for tenant in tenants)
    async with _transaction(pool, _MANY_TENANTS.format(named)) as connection:
        yield connection


async def call_for_tenants(
    pool: Pool, procedure: str, tenants: Collection[TenantId], arguments: Sequence[Any]
) -> str | None:
    """Calls a procedure that names these tenants itself, in each of its own transactions.

    For a batch that should cost one round trip: `procedure(named, *arguments, inout text)`. Returns
    what it answers. Raises Temporary, Permanent: then it may have committed a part.
    """
    named = ",".join(tenant_id(tenant) for tenant in tenants)
    places = SQL(", ").join([Placeholder()] * (1 + len(arguments)))
    call = SQL("call {}({}, null)").format(Identifier(*procedure.split(".")), places)
    with translated():
        async with pool.connection() as connection:
            found = await connection.execute(call, (named, *arguments), prepare=True)
            answer = await found.fetchone()
    return answer[0] if answer else None


@asynccontextmanager
async def platform_connection(pool: Pool) -> AsyncIterator[Connection]:
    """A connection without a tenant, in one transaction: it sees no row of any tenant.

    For what is the platform's own: functions such as `platform.route_number`, health checks.
    """
    async with _transaction(pool, SQL("begin")) as connection:
        yield connection


@asynccontextmanager
async def _transaction(pool: Pool, beginning: SQL | Composed) -> AsyncIterator[Connection]:
    """One transaction, begun in one round trip; the pool's context ends it in another."""
    with translated():
        async with pool.connection() as connection:
            await connection.execute(beginning)
            yield connection


@contextmanager
def translated() -> Iterator[None]:
    """Vendor exceptions raised inside leave as Temporary or Permanent, without row contents."""
    try:
        yield
    except _TEMPORARY as error:
        raise Temporary(f"database: {_reason(error)}") from error
    except psycopg.Error as error:
        raise Permanent(f"database: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return f"{error.sqlstate} {error.diag.message_primary}"
    return type(error).__name__ if isinstance(error, psycopg.Error) else str(error)
