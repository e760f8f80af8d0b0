"""Rows of effects. Every function serves one tenant."""

from typing import Any, Literal

import msgspec

from callfunnel.domain.ids import TenantId
from callfunnel.infra.postgres import Connection


class Effect(msgspec.Struct, frozen=True):
    """What a tool call came to."""

    outcome: Literal["done", "failed"]
    result: dict[str, Any]


async def effect(
    tenant: TenantId, connection: Connection, call: str, tool_call: str
) -> Effect | None:
    """What this tool call came to, or None when it has not run."""
    found = await connection.execute(_FIND, (tenant, call, tool_call), prepare=True)
    row = await found.fetchone()
    return Effect(*row) if row else None


async def keep(tenant: TenantId, connection: Connection, row: dict[str, Any]) -> Effect | None:
    """Keeps the effect, or returns the one that was first; of two at once, one waits."""
    values = {"tenant": tenant, **row}
    found = await connection.execute(_KEEP, values, prepare=True)
    if await found.fetchone():
        return None
    first = await (await connection.execute(_FIND, _key(tenant, row))).fetchone()
    return Effect(*(first or ("failed", {})))


def _key(tenant: TenantId, row: dict[str, Any]) -> tuple[str, str, str]:
    return tenant, row["call"], row["tool_call"]


_FIND = """
select outcome, result from tools.effects where tenant = %s and call = %s and tool_call = %s
"""
_KEEP = """
insert into tools.effects (tenant, call, tool_call, tool, kind, arguments, outcome, result)
values (%(tenant)s, %(call)s, %(tool_call)s, %(tool)s, %(kind)s, %(arguments)s::text::jsonb,
    %(outcome)s, %(result)s::text::jsonb)
on conflict do nothing returning true
"""
