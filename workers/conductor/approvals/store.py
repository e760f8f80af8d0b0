"""Rows of approvals. Every function serves one tenant."""

from typing import Any

import msgspec

from callfunnel.domain.approval import Ask
from callfunnel.domain.ids import TenantId
from callfunnel.events.requests import RunTool
from callfunnel.infra.postgres import Connection
from workers.conductor.approvals.rules import Verdict, Waiting


async def open_once(
    tenant: TenantId, connection: Connection, row: dict[str, Any]
) -> tuple[str, str, bool]:
    """Opens an approval for a tool call: its id, when it expires, and whether it is new."""
    values = {"tenant": tenant, **row}
    found = await (await connection.execute(_OPEN, values, prepare=True)).fetchone()
    if found is not None:
        return str(found[0]), str(found[1]), True
    keys = (tenant, row["call"], row["tool_call"])
    known = await (await connection.execute(_KNOWN, keys)).fetchone()
    return (str(known[0]), str(known[1]), False) if known else ("", "", False)


async def close(
    tenant: TenantId, connection: Connection, approval: str, verdict: Verdict
) -> Waiting | None:
    """Decides an open approval that has not expired: None when it is too late or unknown."""
    values = {"tenant": tenant, "approval": approval, **msgspec.structs.asdict(verdict)}
    row = await (await connection.execute(_CLOSE, values, prepare=True)).fetchone()
    return Waiting(*row) if row else None


async def expire(
    tenant: TenantId, connection: Connection, verdict: Verdict, most: int
) -> list[Waiting]:
    """Closes what has expired and nobody else is closing."""
    values = {"tenant": tenant, "most": most, **msgspec.structs.asdict(verdict)}
    rows = await (await connection.execute(_EXPIRE, values)).fetchall()
    return [Waiting(*row) for row in rows]


async def keep_result(
    tenant: TenantId, connection: Connection, approval: str, result: dict[str, Any]
) -> None:
    """Notes what the approved tool came to."""
    text = msgspec.json.encode(result).decode()
    await connection.execute(_RESULT, (text, tenant, approval))


async def exists(tenant: TenantId, connection: Connection, approval: str) -> bool:
    """Whether there is such an approval."""
    return (await (await connection.execute(_EXISTS, (tenant, approval))).fetchone()) is not None


def new_row(approval: str, call: str, wanted: RunTool, ask: Ask, trace: str) -> dict[str, Any]:
    """An approval as `open_once` takes it."""
    return {
        "approval": approval,
        "call": call,
        "tool_call": wanted.tool_call,
        "tool": wanted.tool,
        "agent": wanted.agent,
        "rulebook_version": wanted.rulebook_version,
        "caller": wanted.caller,
        "what": ask.what,
        "arguments": msgspec.json.encode(wanted.arguments).decode(),
        "limit": ask.limit,
        "expires_ms": ask.expires_ms,
        "traceparent": trace,
    }


_COLUMNS = """a.approval, a.call, a.tool_call, a.tool, a.agent, a.rulebook_version, a.caller,
    a.arguments, a.traceparent"""
_AT = """to_char(expires_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
_OPEN = f"""
with opened as (
    insert into approvals.approvals (tenant, approval, call, tool_call, tool, agent,
        rulebook_version, caller, what, arguments, "limit", expires_at, traceparent)
    values (%(tenant)s, %(approval)s, %(call)s, %(tool_call)s, %(tool)s, %(agent)s,
        %(rulebook_version)s, %(caller)s, %(what)s, %(arguments)s::text::jsonb, %(limit)s,
        now() + make_interval(secs => %(expires_ms)s / 1000.0), %(traceparent)s)
    on conflict do nothing returning tenant, approval, expires_at
), due as (
    insert into approvals.deadlines (tenant, call, due_at)
    select tenant, approval, expires_at from opened
)
select approval, {_AT} from opened
"""  # noqa: S608 - constants
_KNOWN = f"""
select approval, {_AT} from approvals.approvals
where tenant = %s and call = %s and tool_call = %s
"""  # noqa: S608 - constants
_CLOSE = f"""
with closed as (
    update approvals.approvals a set state = %(decision)s, decided_at = now(),
        decided_by = %(by)s, via = %(via)s
    where tenant = %(tenant)s and approval = %(approval)s and state = 'open' and expires_at > now()
    returning {_COLUMNS}
), gone as (
    delete from approvals.deadlines
    where tenant = %(tenant)s and call in (select approval from closed)
)
select * from closed
"""  # noqa: S608 - constants
_EXPIRE = f"""
with due as (
    select call as approval from approvals.deadlines
    where tenant = %(tenant)s and due_at <= now()
    order by due_at limit %(most)s for update skip locked
), closed as (
    update approvals.approvals a set state = %(decision)s, decided_at = now(),
        decided_by = %(by)s, via = %(via)s
    from due where a.tenant = %(tenant)s and a.approval = due.approval and a.state = 'open'
    returning {_COLUMNS}
), gone as (
    delete from approvals.deadlines
    where tenant = %(tenant)s and call in (select approval from due)
)
select * from closed
"""  # noqa: S608 - constants
_RESULT = """
update approvals.approvals set result = %s::text::jsonb where tenant = %s and approval = %s
"""
_EXISTS = "select 1 from approvals.approvals where tenant = %s and approval = %s"
