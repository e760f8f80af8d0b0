"""Tenant B attacks tenant A's rows: through its own role, a used connection, the tables' owner."""

import asyncio
import secrets as randomness
from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg
import pytest
from psycopg import sql

from callfunnel.domain.errors import Permanent
from callfunnel.domain.ids import TenantId
from callfunnel.infra.postgres import Pool, connect_pool, platform_connection, tenant_connection
from callfunnel.infra.roles import ROLES, user_of
from callfunnel.infra.sealed import SealedSecrets
from callfunnel.infra.settings import PlatformSettings

A, B = TenantId("alpha"), TenantId("beta")
PoolOf = Callable[[str], Awaitable[Pool]]


@pytest.fixture
async def table(owner_conninfo: str) -> AsyncIterator[sql.Identifier]:
    """A table made as every feature makes its own, with one row each of A and B."""
    name = sql.Identifier("metering", f"attacked_{randomness.token_hex(4)}")
    async with await psycopg.AsyncConnection.connect(owner_conninfo, autocommit=True) as owner:
        await owner.execute(
            sql.SQL("create table {} (tenant text not null, secret text)").format(name)
        )
        quoted = name.as_string(owner)
        await owner.execute("select platform.isolate(%s::regclass, 'cf_billing')", (quoted,))
        for tenant in (A, B):
            async with owner.transaction():
                await owner.execute("select set_config('callfunnel.tenant', %s, true)", (tenant,))
                await owner.execute(
                    sql.SQL("insert into {} values (%s, %s)").format(name),
                    (tenant, f"secret of {tenant}"),
                )
        yield name
        await owner.execute(sql.SQL("drop table {}").format(name))


async def seen(pool: Pool, tenant: TenantId, table: sql.Identifier) -> list[str]:
    async with tenant_connection(pool, tenant) as connection:
        rows = await connection.execute(sql.SQL("select secret from {}").format(table))
        return [row[0] for row in await rows.fetchall()]


async def test_a_tenant_sees_its_own_rows_alone(postgres: PoolOf, table: sql.Identifier) -> None:
    pool = await postgres("billing")
    assert await seen(pool, A, table) == ["secret of alpha"]
    assert await seen(pool, B, table) == ["secret of beta"]


async def test_a_connection_that_served_a_serves_b_nothing_of_a(
    platform: PlatformSettings, platform_secrets: SealedSecrets, table: sql.Identifier
) -> None:
    pool = await connect_pool(platform, "billing", platform_secrets, size=1)
    try:
        for _ in range(3):
            assert await seen(pool, A, table) == ["secret of alpha"]
            assert await seen(pool, B, table) == ["secret of beta"]
            async with platform_connection(pool) as connection:
                rows = await connection.execute(sql.SQL("select * from {}").format(table))
                assert await rows.fetchall() == []
    finally:
        await pool.close()


async def test_a_failed_transaction_leaves_no_tenant_behind(
    platform: PlatformSettings, platform_secrets: SealedSecrets, table: sql.Identifier
) -> None:
    pool = await connect_pool(platform, "billing", platform_secrets, size=1)
    try:
        with pytest.raises(Permanent):
            async with tenant_connection(pool, A) as connection:
                await connection.execute("select 1 / 0")
        async with platform_connection(pool) as connection:
            rows = await connection.execute(sql.SQL("select * from {}").format(table))
            assert await rows.fetchall() == []
    finally:
        await pool.close()


async def test_tenants_at_once_never_see_each_other(
    postgres: PoolOf, table: sql.Identifier
) -> None:
    pool = await postgres("billing")
    answers = await asyncio.gather(*(seen(pool, (A, B)[n % 2], table) for n in range(60)))
    assert answers == [[f"secret of {(A, B)[n % 2]}"] for n in range(60)]


@pytest.mark.parametrize(
    "attack",
    [
        "insert into {t} values ('alpha', 'forged')",
        "update {t} set tenant = 'alpha'",
        "insert into {t} select 'alpha', secret from {t}",
        "set local row_security = off; select * from {t}",
        "alter table {t} disable row level security",
        "alter table {t} no force row level security",
        "drop policy tenant_isolation on {t}",
        "create policy mine on {t} using (true)",
        "set role cf_owner",
        "set session authorization cf_owner",
        "truncate {t}",
        "select platform.isolate('{t}'::regclass)",
        "select * from platform.numbers",
        "select * from platform.route_number('+15550100001')",
        "copy {t} to program 'cat'",
        "create function metering.sly() returns int language sql as 'select 1'",
        "create schema mine",
        "create table public.mine (x int)",
    ],
)
async def test_b_is_refused(postgres: PoolOf, table: sql.Identifier, attack: str) -> None:
    pool = await postgres("billing")
    statement = attack.replace("{t}", ".".join(table._obj))
    with pytest.raises(Permanent):
        async with tenant_connection(pool, B) as connection:
            await connection.execute(statement.encode())


@pytest.mark.parametrize(
    "attack",
    [
        "update {t} set secret = 'overwritten' where tenant = 'alpha'",
        "delete from {t} where tenant = 'alpha'",
        "update {t} set secret = 'overwritten' where true or tenant = 'alpha'",
    ],
)
async def test_b_changes_nothing_of_a(postgres: PoolOf, table: sql.Identifier, attack: str) -> None:
    pool = await postgres("billing")
    async with tenant_connection(pool, B) as connection:
        await connection.execute(attack.replace("{t}", ".".join(table._obj)).encode())
    assert await seen(pool, A, table) == ["secret of alpha"]


async def test_the_tables_owner_is_bound_as_well(
    owner_conninfo: str, table: sql.Identifier
) -> None:
    async with await psycopg.AsyncConnection.connect(owner_conninfo) as owner:
        rows = await owner.execute(sql.SQL("select * from {}").format(table))
        assert await rows.fetchall() == []


async def test_every_table_of_tenants_is_isolated(owner_conninfo: str) -> None:
    """Whatever a feature adds: a `tenant` column without forced row security is a hole."""
    async with await psycopg.AsyncConnection.connect(owner_conninfo) as owner:
        rows = await owner.execute(
            "select c.oid::regclass::text from pg_class c"
            " join pg_namespace n on n.oid = c.relnamespace"
            " join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant'"
            " where c.relkind in ('r', 'p') and n.nspname !~ '^pg_'"
            " and not (c.relrowsecurity and c.relforcerowsecurity)"
        )
        assert await rows.fetchall() == []


async def test_no_role_is_above_row_security(owner_conninfo: str) -> None:
    async with await psycopg.AsyncConnection.connect(owner_conninfo) as owner:
        rows = await owner.execute(
            "select rolname from pg_roles where rolname = any(%s) and not"
            " (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)",
            ([user_of(role) for role in ROLES],),
        )
        assert {row[0] for row in await rows.fetchall()} == {user_of(role) for role in ROLES}


async def test_a_role_reaches_no_schema_of_another_feature(owner_conninfo: str) -> None:
    own = {
        "cf_gateway": {"api", "platform"},
        "cf_conductor": {"rulebooks", "tools", "approvals", "platform"},
        "cf_persistence": {"timeline", "recordings", "settlement", "platform"},
        "cf_billing": {"metering", "platform"},
    }
    schemas = set().union(*own.values())
    async with await psycopg.AsyncConnection.connect(owner_conninfo) as owner:
        for role, allowed in own.items():
            for schema in schemas:
                answer = await owner.execute(
                    "select has_schema_privilege(%s, %s, 'usage')", (role, schema)
                )
                row = await answer.fetchone()
                assert row == (schema in allowed,), (role, schema)
