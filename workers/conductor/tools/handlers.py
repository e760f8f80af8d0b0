"""Bus in: `RunTool`. A call within the agent's limit acts at once; above it, a person is asked.

Nothing that must not be kept goes into a tool: its arguments are redacted first. Its result is for
the call, which may need all of it; what is kept of it, and told to a repetition, is redacted.
"""

import logging
from typing import Any, Protocol

import msgspec

from callfunnel.domain.approval import Ask, Opened
from callfunnel.domain.ids import TenantId
from callfunnel.domain.redaction.tree import redact_tree
from callfunnel.domain.rulebook import ApprovalPolicy, Rulebook
from callfunnel.events.requests import RunTool, ToolOutcome
from callfunnel.infra.bus import Bus, Received
from callfunnel.infra.postgres import Connection, Pool, tenant_connection
from workers.conductor.tools import store
from workers.conductor.tools.kinds import KINDS
from workers.conductor.tools.rules import (
    Asked,
    Refused,
    check,
    limit,
    policy_for,
    question,
    tool_of,
)

log = logging.getLogger(__name__)


class Books(Protocol):
    """Where rule books are found by version."""

    async def book(
        self, tenant: TenantId, connection: Connection, agent: str, version: int
    ) -> Rulebook | None: ...


class Approvals(Protocol):
    """Who asks a person. `opened` is called once the transaction of `open` has committed."""

    async def open(
        self, tenant: TenantId, connection: Connection, item: Received[RunTool], ask: Ask
    ) -> Opened: ...

    def opened(self, tenant: TenantId, ask_ms: int) -> None: ...


class Effects:
    """Runs kinds of tools; each tool call once, whoever asks and however often."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def asked(
        self, tenant: TenantId, connection: Connection, call: str, wanted: RunTool
    ) -> Asked:
        """The tool call with its tool, its arguments checked. Raises Refused."""
        agent, version = wanted.agent, wanted.rulebook_version
        book = await self._books.book(tenant, connection, agent, version)
        tool = tool_of(book, wanted.tool)
        check(tool, wanted.arguments)
        return Asked(
            call=call,
            tool_call=wanted.tool_call,
            tool=tool,
            arguments=wanted.arguments,
            caller=wanted.caller,
        )

    async def granted(
        self, tenant: TenantId, connection: Connection, call: str, wanted: RunTool
    ) -> dict[str, Any]:
        """Acts on what a person approved, inside their transaction; what is kept of the result."""
        try:
            asked = await self.asked(tenant, connection, call, wanted)
        except Refused as refusal:
            return {"error": str(refusal)}
        return _kept(asked, await self.run(tenant, connection, asked))

    async def run(self, tenant: TenantId, connection: Connection, asked: Asked) -> store.Effect:
        """Acts, inside the caller's transaction; a repetition gets what was kept of the first."""
        effect = _act(asked)
        row: dict[str, Any] = {
            "call": asked.call,
            "tool_call": asked.tool_call,
            "tool": asked.tool.name,
            "kind": asked.tool.kind,
            "arguments": msgspec.json.encode(asked.arguments).decode(),
            "outcome": effect.outcome,
            "result": msgspec.json.encode(_kept(asked, effect)).decode(),
        }
        return await store.keep(tenant, connection, row) or effect


class Tools:
    """Answers `RunTool`."""

    def __init__(self, bus: Bus, pool: Pool, effects: Effects, approvals: Approvals) -> None:
        self._bus = bus
        self._pool = pool
        self._effects = effects
        self._approvals = approvals

    def register(self) -> None:
        """Adds the responder; any number of processes share it."""
        self._bus.responder(RunTool, queue="tools")(self.answer)

    async def answer(self, item: Received[RunTool]) -> ToolOutcome:
        """Done, failed and why, or pending with the approval to wait for."""
        data = msgspec.structs.replace(item.data, arguments=redact_tree(item.data.arguments))
        item = msgspec.structs.replace(item, data=data)
        tenant, call = item.envelope.tenant, item.envelope.key
        try:
            async with tenant_connection(self._pool, tenant) as connection:
                asked = await self._effects.asked(tenant, connection, call, data)
                policy = policy_for(asked.tool, asked.arguments)
                if policy is None:
                    effect = await self._effects.run(tenant, connection, asked)
                    return ToolOutcome(outcome=effect.outcome, result=effect.result)
                pending = await self._pending(tenant, connection, item, policy)
        except Refused as refusal:
            log.info("tool refused", extra={"call": call})
            return ToolOutcome(outcome="failed", result={"error": str(refusal)})
        self._approvals.opened(tenant, policy.expires_ms)
        return pending

    async def _pending(
        self,
        tenant: TenantId,
        connection: Connection,
        item: Received[RunTool],
        policy: ApprovalPolicy,
    ) -> ToolOutcome:
        what, bound = question(policy, item.data.arguments), limit(policy)
        ask = Ask(what=what, limit=bound, expires_ms=policy.expires_ms)
        opened = await self._approvals.open(tenant, connection, item, ask)
        return ToolOutcome(
            outcome="pending",
            approval=opened.approval,
            expires_at=opened.expires_at,
            limit=bound,
            what=what,
        )


def _act(asked: Asked) -> store.Effect:
    kind = KINDS.get(asked.tool.kind)
    if kind is None:
        return store.Effect("failed", {"error": f"no tool of kind {asked.tool.kind}"})
    try:
        return store.Effect("done", kind.run(asked))
    except Refused as refusal:
        return store.Effect("failed", {"error": str(refusal)})


def _kept(asked: Asked, effect: store.Effect) -> dict[str, Any]:
    """The result without what must not be kept; a number to dial stays."""
    kind = KINDS.get(asked.tool.kind)
    dialled = {n: effect.result[n] for n in (kind.dials if kind else ()) if n in effect.result}
    return {**redact_tree(effect.result), **dialled}
