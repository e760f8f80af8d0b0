"""Bus in: `DecideApproval`. Out: `ApprovalOpened` and `ApprovalClosed`, through the outbox.

Deciding, acting and promising to tell are one transaction: of two decisions one wins, the tool
acts once, and whoever waits hears of it also when this process dies right after.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from callfunnel.domain.approval import Ask, Decision, Opened
from callfunnel.domain.errors import InvalidToken
from callfunnel.domain.ids import TenantId, approval_id
from callfunnel.events.approval import ApprovalClosed, ApprovalOpened
from callfunnel.events.requests import Accepted, DecideApproval, RunTool
from callfunnel.infra.bus import Bus, Received, event
from callfunnel.infra.clock import fresh_id
from callfunnel.infra.deadlines import Deadlines
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.postgres import Connection, Pool, tenant_connection
from callfunnel.infra.trace import current_traceparent
from workers.conductor.approvals import rules, store
from workers.conductor.approvals.rules import Verdict, Waiting

_EXPIRED_AT_ONCE = 50
Grant = Callable[[TenantId, Connection, str, RunTool], Awaitable[dict[str, Any]]]


class Approvals:
    """Opens, decides and expires. `grant` runs the tool that a person approved."""

    def __init__(self, bus: Bus, pool: Pool, outbox: Outbox, grant: Grant) -> None:
        self._bus = bus
        self._pool = pool
        self._outbox = outbox
        self._grant = grant
        self.deadlines = Deadlines("approvals", pool, self.expire)

    def register(self) -> None:
        """Adds the responder; any number of processes share it."""
        self._bus.responder(DecideApproval, queue="approvals")(self.decide)

    async def open(
        self, tenant: TenantId, connection: Connection, item: Received[RunTool], ask: Ask
    ) -> Opened:
        """Opens the approval of a tool call, inside the caller's transaction; once per call."""
        call, wanted = item.envelope.key, item.data
        trace = current_traceparent()
        row = store.new_row(fresh_id("apr"), call, wanted, ask, trace)
        approval, expires_at, new = await store.open_once(tenant, connection, row)
        if new:
            told = ApprovalOpened(
                call=call,
                tool_call=wanted.tool_call,
                tool=wanted.tool,
                what=ask.what,
                arguments=wanted.arguments,
                limit=ask.limit,
                expires_at=expires_at,
            )
            news = event(told, tenant, approval, id=f"{approval}-opened", traceparent=trace)
            await self._outbox.put(tenant, connection, [news])
        return Opened(approval=approval, expires_at=expires_at)

    def opened(self, tenant: TenantId, ask_ms: int) -> None:
        """The transaction of `open` has committed: tell the bus, and mind the clock."""
        self._outbox.wake(tenant)
        self.deadlines.wake(ask_ms / 1000)

    async def decide(self, item: Received[DecideApproval]) -> Accepted:
        """The first decision wins; a late one changes nothing and says so."""
        tenant, wanted = item.envelope.tenant, item.data
        try:
            approval = approval_id(item.envelope.key)
        except InvalidToken:
            return rules.UNKNOWN
        if wanted.decision not in rules.DECISIONS:
            return rules.INVALID
        verdict = Verdict(wanted.decision, wanted.by, wanted.via)
        async with tenant_connection(self._pool, tenant) as connection:
            closed = await store.close(tenant, connection, approval, verdict)
            if closed is None:
                known = await store.exists(tenant, connection, approval)
                return rules.LATE if known else rules.UNKNOWN
            await self._conclude(tenant, connection, closed, verdict)
        self._outbox.wake(tenant)
        return rules.TAKEN

    async def expire(self, tenant: TenantId) -> None:
        """Closes what nobody decided in time."""
        async with tenant_connection(self._pool, tenant) as connection:
            for closed in await store.expire(tenant, connection, rules.EXPIRED, _EXPIRED_AT_ONCE):
                await self._conclude(tenant, connection, closed, rules.EXPIRED)
        self._outbox.wake(tenant)

    async def _conclude(
        self, tenant: TenantId, connection: Connection, closed: Waiting, verdict: Verdict
    ) -> None:
        result: dict[str, Any] = {}
        if verdict.decision == Decision.APPROVED:
            result = await self._grant(tenant, connection, closed.call, closed.tool_run())
            await store.keep_result(tenant, connection, closed.approval, result)
        told = ApprovalClosed(
            call=closed.call,
            tool_call=closed.tool_call,
            decision=verdict.decision,
            by=verdict.by,
            via=verdict.via,
            result=result,
        )
        ident, trace = f"{closed.approval}-closed", closed.traceparent
        news = event(told, tenant, closed.approval, id=ident, traceparent=trace)
        await self._outbox.put(tenant, connection, [news])
