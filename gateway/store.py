"""What the API reads: the published views, under row-level security, one tenant at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg.rows import dict_row

from callfunnel.domain.ids import ApprovalId, CallId, TenantId
from callfunnel.infra.postgres import Connection, Pool, platform_connection, tenant_connection

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Route:
    """Whose number it is, which agent answers it, and how many calls the tenant may have."""

    tenant: TenantId
    agent: str
    call_limit: int


class Views:
    """Queries over the published views. Everything raises Temporary when the database is down."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def route(self, number: str) -> Route | None:
        """Whose number is it? None when it is unknown or its tenant is suspended."""
        async with platform_connection(self._pool) as connection:
            found = await _rows(
                connection,
                "select tenant, agent, call_limit from platform.route_number(%s)",
                number,
            )
        if not found:
            return None
        row = found[0]
        return Route(TenantId(row["tenant"]), row["agent"], row["call_limit"])

    async def tenants(self) -> list[TenantId]:
        """Every tenant's name: to find the one that an account of a carrier belongs to."""
        async with platform_connection(self._pool) as connection:
            found = await _rows(connection, "select platform.tenant_ids() as tenant")
        return [TenantId(row["tenant"]) for row in found]

    async def call_limit(self, tenant: TenantId) -> int | None:
        """How many calls the tenant may have at once; None for one that is unknown or suspended."""
        found = await self._read(
            tenant, "select call_limit from api.tenants where tenant = %s and not suspended", tenant
        )
        return int(found[0]["call_limit"]) if found else None

    async def calls(self, tenant: TenantId, before: str, limit: int) -> Sequence[Row]:
        """At most `limit` calls, newest first, older than `before` ("": from the newest)."""
        return await self._read(
            tenant,
            "select * from api.calls where tenant = %s and (%s = '' or call < %s)"
            " order by call desc limit %s",
            tenant, before, before, limit,
        )  # fmt: skip

    async def call(self, tenant: TenantId, call: CallId) -> Row | None:
        return await self._one(tenant, call, "select * from api.calls")

    async def record(self, tenant: TenantId, call: CallId) -> Row | None:
        """The sealed record, once there is one."""
        return await self._one(tenant, call, "select * from api.records")

    async def recording(self, tenant: TenantId, call: CallId) -> Row | None:
        return await self._one(tenant, call, "select * from api.recordings")

    async def timeline(self, tenant: TenantId, call: CallId) -> Sequence[Row]:
        """The facts of a call in order; those without a seq last, by time."""
        return await self._read(
            tenant,
            "select * from api.timeline where tenant = %s and call = %s"
            " order by seq nulls last, at, id",
            tenant, call,
        )  # fmt: skip

    async def bill_lines(self, tenant: TenantId, call: CallId) -> Sequence[Row]:
        return await self._read(
            tenant,
            "select * from api.bill_lines where tenant = %s and call = %s order by line",
            tenant, call,
        )  # fmt: skip

    async def usage_totals(self, tenant: TenantId, since: str, until: str) -> Sequence[Row]:
        """Totals per day and meter from `since` to before `until` (dates)."""
        return await self._read(
            tenant,
            "select * from api.usage_totals where tenant = %s and day >= %s::date"
            " and day < %s::date order by day desc, meter, provider, model",
            tenant, since, until,
        )  # fmt: skip

    async def approvals(
        self, tenant: TenantId, state: str, before: str, limit: int
    ) -> Sequence[Row]:
        """At most `limit` approvals, newest first; `state` "" means any."""
        return await self._read(
            tenant,
            "select * from api.approvals where tenant = %s and (%s = '' or state = %s)"
            " and (%s = '' or approval < %s) order by approval desc limit %s",
            tenant, state, state, before, before, limit,
        )  # fmt: skip

    async def approval(self, tenant: TenantId, approval: ApprovalId) -> Row | None:
        found = await self._read(
            tenant,
            "select * from api.approvals where tenant = %s and approval = %s",
            tenant, approval,
        )  # fmt: skip
        return found[0] if found else None

    async def rulebooks(self, tenant: TenantId) -> Sequence[Row]:
        """The published rule book of every agent."""
        return await self._read(
            tenant, "select * from api.rulebooks where tenant = %s order by agent", tenant
        )

    async def rulebook(self, tenant: TenantId, agent: str) -> Row | None:
        """The published rule book of one agent."""
        found = await self._read(
            tenant,
            "select * from api.rulebooks where tenant = %s and agent = %s",
            tenant, agent,
        )  # fmt: skip
        return found[0] if found else None

    async def ready(self) -> None:
        """One real query. Raises Temporary."""
        async with platform_connection(self._pool) as connection:
            await connection.execute("select 1")

    async def _one(self, tenant: TenantId, call: CallId, query: LiteralString) -> Row | None:
        found = await self._read(tenant, query + " where tenant = %s and call = %s", tenant, call)
        return found[0] if found else None

    async def _read(self, tenant: TenantId, query: LiteralString, *values: object) -> Sequence[Row]:
        async with tenant_connection(self._pool, tenant) as connection:
            return await _rows(connection, query, *values)


async def _rows(connection: Connection, query: LiteralString, *values: object) -> Sequence[Row]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchall()
