"""A call's errands on the bus: tools with a deadline, decisions of people, the registry at the end.

Answers come back as inputs of the core. A failure is an answer too: the core is never left
waiting, and has its own deadline besides.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

import msgspec

from callfunnel.domain.call import CallSpec
from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.domain.ids import TenantId
from callfunnel.events.approval import ApprovalClosed
from callfunnel.events.envelope import Event
from callfunnel.events.message import Message
from callfunnel.events.requests import RunTool, ToolOutcome
from callfunnel.infra.bus import Received, Unanswered
from callfunnel.infra.tasks import Tasks
from callfunnel.infra.trace import tracing
from workers.media.core import inputs, outputs
from workers.media.registry import Registry
from workers.media.spans import tool_span

_log: Final = logging.getLogger(__name__)
R = TypeVar("R", bound=msgspec.Struct)
Tell = Callable[[inputs.Input], None]

_AGAIN_S: Final = 0.25
_REREAD_S: Final = 5.0
"""How often a pending decision is looked up, in case its message was missed in an outage."""
_REGISTRY_S: Final = 2.0
"""How long the carrier's socket waits for the registry before it closes all the same."""


class Subscribed(Protocol):
    """An open subscription."""

    async def unsubscribe(self) -> None: ...


class Asks(Protocol):
    """The part of the bus that errands need."""

    async def request(
        self, data: Message, reply: type[R], *, tenant: TenantId, key: str, timeout: float
    ) -> R: ...

    async def subscribe(
        self,
        message: type[Message],
        listener: Callable[[Received[ApprovalClosed]], Awaitable[None]],
        *,
        tenant: str,
        key: str,
    ) -> Subscribed: ...

    async def last(
        self, message: type[Message], tenant: TenantId, key: str
    ) -> Event[ApprovalClosed] | None: ...


class BusErrands:
    """One call's; see `Errands`."""

    def __init__(self, spec: CallSpec, epoch: int, bus: Asks, registry: Registry) -> None:
        self._loop = asyncio.get_running_loop()
        self._spec = spec
        self._epoch = epoch
        self._bus = bus
        self._registry = registry
        self._tasks = Tasks(call=spec.call)

    def run_tool(self, wanted: outputs.RunTool, tell: Tell) -> None:
        """Asks the conductor; (call, tool call) makes asking again harmless."""
        self._tasks.start(self._run(wanted, tell))

    def watch_approval(self, wanted: outputs.WatchApproval, tell: Tell) -> None:
        """Waits for the decision, heard live or read from the stream."""
        self._tasks.start(self._watch(wanted.approval, tell))

    async def ended(self, end: outputs.End, dial: str) -> None:
        """The pin says what the carrier does next; then the tenant's slot is free."""
        task = self._registry.conclude(self._spec, self._epoch, end.cause, dial)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(task), _REGISTRY_S)

    def stop(self) -> None:
        """The call is over: nothing more is asked or waited for."""
        self._tasks.cancel()

    async def _run(self, wanted: outputs.RunTool, tell: Tell) -> None:
        try:
            outcome = await self._ask(wanted)
        except (Temporary, Permanent) as error:
            reason = {"error": error.reason}
            tell(inputs.ToolAnswered(wanted.tool_call, "failed", reason))
            return
        tell(
            inputs.ToolAnswered(
                wanted.tool_call,
                outcome.outcome,
                outcome.result,
                approval=outcome.approval,
                expires_at=outcome.expires_at,
                limit=outcome.limit,
                what=outcome.what,
            )
        )

    async def _ask(self, wanted: outputs.RunTool) -> ToolOutcome:
        spec = self._spec
        deadline = self._loop.time() + wanted.deadline_ms / 1000
        while True:
            left = deadline - self._loop.time()
            data = RunTool(
                tool_call=wanted.tool_call,
                tool=wanted.name,
                arguments=wanted.arguments,
                agent=spec.agent,
                rulebook_version=spec.rulebook_version,
                caller=spec.caller,
                deadline_ms=max(1, round(left * 1000)),
            )
            try:
                with tracing(tool_span(spec, wanted.tool_call)):
                    return await self._bus.request(
                        data,
                        ToolOutcome,
                        tenant=spec.tenant,
                        key=spec.call,
                        timeout=max(0.05, left),
                    )
            except Unanswered:
                if self._loop.time() + _AGAIN_S >= deadline:
                    raise
                await asyncio.sleep(_AGAIN_S)

    async def _watch(self, approval: str, tell: Tell) -> None:
        heard: asyncio.Future[ApprovalClosed] = self._loop.create_future()

        async def listen(seen: Received[ApprovalClosed]) -> None:
            if not heard.done():
                heard.set_result(seen.data)

        async with contextlib.AsyncExitStack() as open_while_waiting:
            try:
                where = await self._bus.subscribe(
                    ApprovalClosed, listen, tenant=self._spec.tenant, key=approval
                )
                open_while_waiting.push_async_callback(where.unsubscribe)
            except Exception as error:  # then reading again, below, is how it is noticed
                _log.warning("not listening", extra={"error": type(error).__name__})
            closed = await self._decision(approval, heard)
        tell(inputs.ApprovalClosed(approval, closed.decision, closed.by, closed.via, closed.result))

    async def _decision(
        self, approval: str, heard: asyncio.Future[ApprovalClosed]
    ) -> ApprovalClosed:
        while True:
            with contextlib.suppress(Temporary):
                found = await self._bus.last(ApprovalClosed, self._spec.tenant, approval)
                if found is not None:
                    return found.data
            with contextlib.suppress(TimeoutError):
                return await asyncio.wait_for(asyncio.shield(heard), _REREAD_S)
