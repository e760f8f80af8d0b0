"""B's transaction, under each role of the product, on every table there is: A's rows stay unseen.

The tables come from the catalog, so that a new one is attacked as soon as it is there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from callfunnel.domain.ids import PLATFORM
from callfunnel.infra.roles import user_of
from tests.security.two_tenants import A, B, TwoTenants

ROLES = ("gateway", "conductor", "persistence", "billing")
READABLE = """
select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant'
where c.relkind in ('r', 'p', 'v', 'm') and n.nspname !~ '^pg_'
and has_schema_privilege(current_user, n.oid, 'usage')
and has_table_privilege(current_user, c.oid, 'select') order by 1
"""
Session = psycopg.Connection[Any]


@contextmanager
def session(attacked: TwoTenants, role: str) -> Iterator[Session]:
    """A connection as the product's processes have it."""
    login = attacked.store.get(PLATFORM, f"postgres/{role}")
    url = attacked.settings.postgres_url
    with psycopg.connect(
        url, user=login["user"], password=login["password"], autocommit=True
    ) as made:
        yield made


@contextmanager
def as_tenant(connection: Session, tenant: str) -> Iterator[Session]:
    """One transaction in a tenant's name, as `tenant_connection` makes it."""
    with connection.transaction():
        connection.execute("select set_config('callfunnel.tenant', %s, true)", (tenant,))
        yield connection


def seen(connection: Session) -> dict[str, set[str]]:
    """Whose rows each table and view shows now."""
    tables = [row[0] for row in connection.execute(READABLE).fetchall()]
    return {table: tenants_in(connection, table) for table in tables}


def tenants_in(connection: Session, table: str) -> set[str]:
    name = sql.Identifier(*table.split("."))
    rows = connection.execute(sql.SQL("select distinct tenant from {}").format(name))
    return {row[0] for row in rows.fetchall()}


@pytest.fixture(params=ROLES)
def used(attacked: TwoTenants, request: pytest.FixtureRequest) -> Iterator[Session]:
    """A connection of a role that has just served A."""
    with session(attacked, request.param) as connection:
        with as_tenant(connection, A):
            assert {A} in seen(connection).values()
        yield connection


def nothing_of_a(connection: Session) -> None:
    assert [table for table, whose in seen(connection).items() if A in whose] == []


def test_b_sees_its_own_rows_alone(used: Session) -> None:
    with as_tenant(used, B):
        assert {frozenset(whose) for whose in seen(used).values()} <= {frozenset(), frozenset({B})}


@pytest.mark.parametrize(
    "setting",
    [None, "", " ", "*", "%", A.upper(), f"{A} ", f"{A}2", f"{A}' or '1'='1", "null", "_platform"],
)
def test_a_setting_that_is_no_tenants_shows_nothing(used: Session, setting: str | None) -> None:
    if setting is None:
        nothing_of_a(used)
    else:
        with as_tenant(used, setting):
            assert {table for table, whose in seen(used).items() if whose} == set()


@pytest.mark.parametrize(
    "after",
    ["reset callfunnel.tenant", "reset all", "discard all", "set callfunnel.tenant to default"],
)
def test_a_reset_leaves_no_tenant_behind(used: Session, after: str) -> None:
    used.execute(after)
    nothing_of_a(used)


def test_a_tenant_ends_with_its_transaction_however_that_ends(used: Session) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), as_tenant(used, A):
        used.execute("select 1 / 0")
    nothing_of_a(used)
    with as_tenant(used, A), used.transaction(force_rollback=True):
        used.execute("select 1")
    nothing_of_a(used)
    with as_tenant(used, A):
        used.execute("savepoint s")
        used.execute("select set_config('callfunnel.tenant', %s, true)", (B,))
        assert A not in set().union(*seen(used).values())
        used.execute("rollback to s")
    nothing_of_a(used)


def test_a_prepared_plan_of_a_shows_b_nothing(used: Session) -> None:
    """Also the generic plan, which is made once and kept, and a cursor that was left open."""
    tables = list(seen(used))
    used.execute("set plan_cache_mode = force_generic_plan")
    for table in tables:
        name = sql.Identifier(*table.split("."))
        query = sql.SQL("select tenant from {} where tenant = any(%s)").format(name)
        with as_tenant(used, A):
            for _ in range(2):
                used.execute(query, ([A, B],), prepare=True)
        with as_tenant(used, B):
            found = used.execute(query, ([A, B],), prepare=True).fetchall()
            assert {row[0] for row in found} <= {B}, table


LEAKY = (
    "select count(*) from {t} where tenant = 'demo' and 1 / (length(tenant) - length(tenant)) = 1",
    "select count(*) from {t} where tenant::int = 1",
    "select count(*) from {t} t where (t::text)::int = 1",
    "select count(*) from {t} where ('' || tenant)::xml is not null and tenant = 'demo'",
    "select count(*) from {t} where pg_input_is_valid(tenant, 'int') and tenant = 'demo'",
)


@pytest.mark.parametrize("attack", LEAKY)
def test_no_condition_is_tried_on_rows_that_are_not_ones_own(used: Session, attack: str) -> None:
    """A function that fails with its argument in the message must not meet A's rows."""
    for table in seen(used):
        told = "(0,)"
        try:
            with as_tenant(used, B):
                told = str(used.execute(attack.replace("{t}", table).encode()).fetchone())
        except psycopg.Error as error:
            told = f"(0,) {error}"
        assert told.startswith("(0,)"), table
        assert B in told or A not in told, table


@pytest.mark.parametrize(
    "attack",
    [
        "copy {t} to stdout",
        "copy (select * from {t}) to stdout",
        "table {t}",
        "explain analyze table {t}",
        "select * from {t} tablesample system (100)",
        "select * from {t} for update",
        "select t from {t} t union select t from {t} t",
        "with x as (table {t}) table x",
        "select lo_export(1, 'x') from {t}",
        "set local row_security = off; table {t}",
        "select pg_stats.* from pg_stats where tablename = split_part('{t}', '.', 2)",
        "select query from pg_stat_activity",
        "select * from pg_prepared_statements",
        "select pg_read_file('postgresql.conf')",
        "select pg_ls_dir('.')",
        "create temp table x as table {t}; table x",
        "declare c cursor with hold for table {t}; fetch all c",
    ],
)
def test_no_way_of_reading_goes_round_row_security(used: Session, attack: str) -> None:
    with session_copy(used) as connection:
        for table in seen(connection):
            found: list[Any] = []
            try:
                with as_tenant(connection, B):
                    statement = attack.replace("{t}", table).encode()
                    if statement.startswith(b"copy"):
                        with connection.cursor().copy(statement) as copying:
                            found = [bytes(piece) for piece in copying]
                    else:
                        found = last_rows(connection, statement)
            except psycopg.Error as error:
                found = [str(error)]
            lines = [str(row) for row in found]
            named = [line for line in lines if f"'{A}'" in line or f"{A}\t" in line]
            assert [line for line in named if B not in line] == [], table


@contextmanager
def session_copy(connection: Session) -> Iterator[Session]:
    """The same connection, without what the attack left open."""
    yield connection
    if not connection.closed:
        connection.execute("discard all")


def last_rows(connection: Session, statement: bytes) -> list[Any]:
    """The rows of the last of several statements."""
    cursor = connection.execute(statement, prepare=False)
    while cursor.nextset():
        continue
    return cursor.fetchall() if cursor.description else []


def test_the_functions_that_pass_row_security_are_known_and_tell_names_alone(
    attacked: TwoTenants,
) -> None:
    with session(attacked, "owner") as connection:
        rows = connection.execute(
            "select n.nspname || '.' || p.proname, pg_get_function_result(p.oid), p.proconfig"
            " from pg_proc p join pg_namespace n on n.oid = p.pronamespace where p.prosecdef"
            " and n.nspname !~ '^(pg_|information_schema)'"
        ).fetchall()
    results = {result for _, result, _ in rows}
    assert (
        results
        == {
            "SETOF text",
            "SETOF record",
            "TABLE(tenant text, due_at timestamp with time zone)",
        }
        & results
    )
    for name, _, settings in rows:
        assert name.split(".")[1] in (
            "route_number", "tenant_ids", "outbox_tenants", "due_tenants",
        ), name  # fmt: skip
        assert any(each.startswith("search_path=pg_catalog") for each in settings or ()), name


def test_every_view_shows_its_reader_its_own_rows(attacked: TwoTenants) -> None:
    """A view's owner is bound by row security, or the view asks as its reader."""
    with session(attacked, "owner") as connection:
        rows = connection.execute(
            "select c.oid::regclass::text, c.reloptions, o.rolbypassrls or o.rolsuper"
            " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " join pg_roles o on o.oid = c.relowner"
            " where c.relkind in ('v', 'm') and n.nspname !~ '^(pg_|information_schema)'"
        ).fetchall()
        passing = connection.execute(
            "select distinct v.oid::regclass::text from pg_depend d"
            " join pg_rewrite r on r.oid = d.objid join pg_class v on v.oid = r.ev_class"
            " join pg_policy p on p.polrelid = d.refobjid and p.polname = 'owner_passes'"
            " where v.relkind = 'v'"
        ).fetchall()
    assert rows
    assert [name for name, _, above in rows if above] == []
    options = {name: options or [] for name, options, _ in rows}
    assert [name for (name,) in passing if "security_invoker=true" not in options[name]] == []


def test_no_sequence_tells_how_many_rows_others_have(attacked: TwoTenants) -> None:
    for role in ROLES:
        with session(attacked, role) as connection:
            rows = connection.execute(
                "select c.oid::regclass::text from pg_class c"
                " join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'S'"
                " and n.nspname !~ '^pg_' and has_schema_privilege(current_user, n.oid, 'usage')"
                " and (has_sequence_privilege(current_user, c.oid, 'select')"
                " or has_sequence_privilege(current_user, c.oid, 'update'))"
            ).fetchall()
            assert rows == [], role


def test_no_role_becomes_another(attacked: TwoTenants) -> None:
    for role in ROLES:
        with session(attacked, role) as connection:
            for other in (*ROLES, "owner"):
                if other == role:
                    continue
                for words in ("set role {}", "set session authorization {}", "grant {} to public"):
                    statement = sql.SQL(words).format(sql.Identifier(user_of(other)))
                    with pytest.raises(psycopg.Error):
                        connection.execute(statement)
