"""Bus in: `RunTool`. A call within the agent's limit acts at once; above it, a person is asked.

Nothing that must not be kept goes into a tool: its arguments are redacted first.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from callfunnel.domain.ids import TenantId
from callfunnel.domain.redaction.tree import redact_tree
from callfunnel.domain.rulebook import ApprovalPolicy, Rulebook
from callfunnel.events.requests import RunTool, ToolOutcome
from callfunnel.infra.bus import Bus, Received
from callfunnel.infra.postgres import Connection, Pool, tenant_connection
from workers.conductor.tools import store
from workers.conductor.tools.kinds import KINDS
from workers.conductor.tools.rules import Asked, Refused, check, limit, policy_for, question, tool_of

log = logging.getLogger(__name__)


class Books(Protocol):
    """Where rule books are found by version."""

    async def book(self, tenant: TenantId, agent: str, version: int) -> Rulebook | None: ...


class Opened(Protocol):
    """An approval that waits for a person, or the decision if it was made already."""

    approval: str
    expires_at: str


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a person shall decide."""

    asked: Asked
    policy: ApprovalPolicy
    what: str
    limit: str


OpenApproval = Callable[[TenantId, Wanted], Awaitable[Opened]]


class Effects:
    """Runs kinds of tools; each tool call once, whoever asks and however often."""

    def __init__(self, books: Books) -> None:
        self.books = books

    async def asked(self, tenant: TenantId, call: str, wanted: RunTool) -> Asked:
        """The tool call with its tool, its arguments redacted and checked. Raises Refused."""
        book = await self.books.book(tenant, wanted.agent, wanted.rulebook_version)
        tool = tool_of(book, wanted.tool)
        arguments = redact_tree(wanted.arguments)
        check(tool, arguments)
        return Asked(
            call=call,
            tool_call=wanted.tool_call,
            tool=tool,
            arguments=arguments,
            agent=wanted.agent,
            rulebook_version=wanted.rulebook_version,
            caller=wanted.caller,
        )

    async def run(self, tenant: TenantId, connection: Connection, asked: Asked) -> store.Effect:
        """Acts, inside the caller's transaction; a repetition gets what the first came to."""
        effect = _act(asked)
        row: dict[str, Any] = {
            "call": asked.call,
            "tool_call": asked.tool_call,
            "tool": asked.tool.name,
            "kind": asked.tool.kind,
            "arguments": msgspec.json.encode(asked.arguments).decode(),
            "outcome": effect.outcome,
            "result": msgspec.json.encode(effect.result).decode(),
        }
        return await store.keep(tenant, connection, row)


class Tools:
    """Answers `RunTool`."""

    def __init__(self, bus: Bus, pool: Pool, effects: Effects, open_approval: OpenApproval) -> None:
        self._bus = bus
        self._pool = pool
        self._effects = effects
        self._open_approval = open_approval

    def register(self) -> None:
        """Adds the responder; any number of processes share it."""
        self._bus.responder(RunTool, queue="tools")(self.answer)

    async def answer(self, item: Received[RunTool]) -> ToolOutcome:
        """Done, failed and why, or pending with the approval to wait for."""
        tenant, call = item.envelope.tenant, item.envelope.key
        try:
            asked = await self._effects.asked(tenant, call, item.data)
        except Refused as refusal:
            log.info("tool refused", extra={"call": call})
            return ToolOutcome(outcome="failed", result={"error": str(refusal)})
        policy = policy_for(asked.tool, asked.arguments)
        if policy is not None:
            return await self._pending(tenant, asked, policy)
        async with tenant_connection(self._pool, tenant) as connection:
            effect = await self._effects.run(tenant, connection, asked)
        return ToolOutcome(outcome=effect.outcome, result=effect.result)

    async def _pending(self, tenant: TenantId, asked: Asked, policy: ApprovalPolicy) -> ToolOutcome:
        what, bound = question(policy, asked.arguments), limit(policy)
        wanted = Wanted(asked=asked, policy=policy, what=what, limit=bound)
        opened = await self._open_approval(tenant, wanted)
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
        return store.Effect("done", kind(asked))
    except Refused as refusal:
        return store.Effect("failed", {"error": str(refusal)})
