"""Tenant B tries to reach what is tenant A's: rows, views, objects, subjects."""

import psycopg
import pytest

from callfunnel.domain.errors import Permanent
from callfunnel.domain.ids import InvalidToken, TenantId, tenant_id
from callfunnel.events.call import CallerSpoke
from callfunnel.events.message import subject_of
from callfunnel.infra.postgres import platform_connection, tenant_connection
from tests.integration.features import running
from tests.simulators.made_up_call import tell, whole_call
from tests.simulators.waiting import until
from workers.billing.service import FEATURES as BILLING
from workers.persistence.service import FEATURES as PERSISTENCE

B = TenantId("tenant-b")
OWNED = {
    "persistence": ("timeline", "recordings", "settlement"),
    "billing": ("metering",),
}
TABLES = """
select table_schema || '.' || table_name from information_schema.tables
where table_schema = any(%s) and table_type = 'BASE TABLE' order by 1
"""
PUBLISHED = (
    "api.calls", "api.timeline", "api.recordings", "api.records", "api.usage", "api.usage_totals",
    "api.bill_lines",
)  # fmt: skip


async def count(connection, table: str) -> int:
    found = await connection.execute("select count(*) from TABLE".replace("TABLE", table))
    row = await found.fetchone()
    return row[0]


@pytest.fixture
async def settled_call(context, bus, tenant, view):
    """A call of tenant A that has left its traces everywhere."""
    hosted = context()
    call = whole_call(tenant)
    async with running(*(make(hosted) for make in (PERSISTENCE | BILLING).values())):
        await tell(bus, call, call.ended())

        async def settled():
            rows = await view(tenant, "api.calls", call.call)
            return bool(rows) and rows[0]["settled"]

        await until(settled, "the call is settled", within_s=20)
    return call


async def tables_of(connection, role: str) -> list[str]:
    found = await connection.execute(TABLES, (list(OWNED[role]),))
    return [row[0] for row in await found.fetchall()]


@pytest.mark.parametrize("role", OWNED)
async def test_no_table_shows_a_row_to_another_tenant_or_to_nobody(role, postgres, settled_call):
    pool = await postgres(role)
    seen = 0
    async with tenant_connection(pool, settled_call.tenant) as connection:
        tables = await tables_of(connection, role)
        for table in tables:
            seen += await count(connection, table)
    async with tenant_connection(pool, B) as connection:
        assert [await count(connection, table) for table in tables] == [0] * len(tables)
    async with platform_connection(pool) as connection:
        assert [await count(connection, table) for table in tables] == [0] * len(tables)
    assert len(tables) >= 4
    assert seen > 4


@pytest.mark.parametrize("role", OWNED)
async def test_every_table_begins_with_the_tenant_and_forces_row_level_security(
    role, postgres, owner_conninfo
):
    async with await psycopg.AsyncConnection.connect(owner_conninfo) as connection:
        found = await connection.execute(
            "select c.relname, c.relrowsecurity and c.relforcerowsecurity, a.attname, c.relowner"
            " = (select oid from pg_roles where rolname = 'cf_owner')"
            " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " join pg_attribute a on a.attrelid = c.oid and a.attnum = 1"
            " where c.relkind = 'r' and n.nspname = any(%s)",
            (list(OWNED[role]),),
        )
        rows = await found.fetchall()
    assert rows
    assert {row[1:] for row in rows} == {(True, "tenant", True)}


@pytest.mark.parametrize("role", OWNED)
async def test_nobody_writes_a_row_of_another_tenant(role, postgres, settled_call):
    pool = await postgres(role)
    async with tenant_connection(pool, B) as connection:
        tables = await tables_of(connection, role)
    for table in tables:
        for attack in ("delete from TABLE", "update TABLE set tenant = 'tenant-b'"):
            async with tenant_connection(pool, B) as connection:
                done = await connection.execute(attack.replace("TABLE", table))
                assert done.rowcount == 0, table
        with pytest.raises(Permanent):
            async with tenant_connection(pool, B) as connection:
                await connection.execute(
                    "insert into TABLE (tenant) values (%s)".replace("TABLE", table),
                    (settled_call.tenant,),
                )


@pytest.mark.parametrize("name", PUBLISHED)
async def test_the_views_show_a_tenant_its_own_rows_alone(name, postgres, settled_call):
    pool = await postgres("gateway")
    async with tenant_connection(pool, settled_call.tenant) as connection:
        assert await count(connection, name) > 0
    async with tenant_connection(pool, B) as connection:
        assert await count(connection, name) == 0
    async with platform_connection(pool) as connection:
        assert await count(connection, name) == 0


@pytest.mark.parametrize("role", ["gateway", "conductor", "billing", "persistence"])
async def test_a_role_cannot_touch_the_tables_of_another_worker(role, postgres, settled_call):
    pool = await postgres(role)
    foreign = [schema for owner, owned in OWNED.items() if owner != role for schema in owned]
    tables = {"timeline": "events", "metering": "usage", "recordings": "recordings"}
    for schema in foreign:
        table = f"{schema}.{tables.get(schema, 'records')}"
        with pytest.raises(Permanent, match="permission denied"):
            async with tenant_connection(pool, settled_call.tenant) as connection:
                await count(connection, table)


async def test_the_functions_that_see_all_tenants_tell_names_only_and_only_to_their_worker(
    postgres, settled_call
):
    billing, persistence = await postgres("billing"), await postgres("persistence")
    async with platform_connection(persistence) as connection:
        found = await connection.execute("select * from settlement.due_tenants()")
        assert [column.name for column in found.description or ()] == ["tenant", "due_at"]
    for function in ("settlement.due_tenants()", "timeline.outbox_tenants()"):
        with pytest.raises(Permanent, match="permission denied"):
            async with platform_connection(billing) as connection:
                await connection.execute("select * from FUNCTION".replace("FUNCTION", function))


async def test_an_object_is_reached_under_its_own_tenant_only(objects, settled_call):
    name = f"recordings/{settled_call.call}.flac"
    assert await objects.get(settled_call.tenant, name) is not None
    assert await objects.get(B, name) is None
    for attack in (f"../{settled_call.tenant}/{name}", f"/{settled_call.tenant}/{name}"):
        with pytest.raises(ValueError, match="tenant"):
            await objects.get(B, attack)
    with pytest.raises(InvalidToken):
        await objects.get(TenantId(f"{B}/../{settled_call.tenant}"), name)


@pytest.mark.parametrize(
    "name", ["*", ">", "b.call.x", "b ", "", "B", "_platform", "b\n", "b/../a"]
)
def test_a_tenant_cannot_be_named_so_that_it_reaches_further(name):
    with pytest.raises(InvalidToken):
        tenant_id(name)
    with pytest.raises(InvalidToken):
        subject_of(CallerSpoke, TenantId(name), "c_1")


async def test_an_event_told_under_another_tenants_subject_stays_that_tenants(
    context, bus, tenant, view
):
    """Who may speak for a tenant is the bus's matter; the subject alone says whose row it is."""
    hosted = context()
    mine, theirs = whole_call(tenant), whole_call(B)
    theirs.call = mine.call
    async with running(PERSISTENCE["timeline"](hosted)):
        await bus.publish(*mine.facts[:2])
        theirs.facts = [theirs.event(f"{mine.call}-99", theirs.facts[0].data, 99)]
        await bus.publish(*theirs.facts)

        async def both():
            own = await view(tenant, "api.timeline", mine.call)
            other = await view(B, "api.timeline", mine.call)
            return (len(own), len(other)) == (2, 1)

        await until(both, "each tenant has its own rows of the same call id")
