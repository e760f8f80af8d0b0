"""What the gateway asks others on the bus: worker slots, the live call, decisions, rule books."""

from typing import TypeVar

import msgspec

from callfunnel.domain.call import CallSpec
from callfunnel.domain.ids import ApprovalId, CallId, TenantId, WorkerId
from callfunnel.events.requests import (
    Accepted,
    DecideApproval,
    HangUp,
    PutRulebook,
    ReleaseSlot,
    Reserved,
    ReserveSlot,
    RulebookStored,
)
from callfunnel.infra.bus import Bus

R = TypeVar("R", bound=msgspec.Struct)

_RESERVE_S = 1.5
_ASK_S = 3.0
_PUBLISH_S = 10.0


class Requests:
    """Every method raises Temporary when nobody answers in time."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def reserve(self, worker: WorkerId, spec: CallSpec) -> Reserved:
        return await self._bus.request(
            ReserveSlot(spec=spec), Reserved, tenant=spec.tenant, key=worker, timeout=_RESERVE_S
        )

    async def release(self, worker: WorkerId, tenant: TenantId, call: CallId) -> None:
        await self._bus.request(
            ReleaseSlot(call=call), Accepted, tenant=tenant, key=worker, timeout=_RESERVE_S
        )

    async def hang_up(self, tenant: TenantId, call: CallId, by: str) -> Accepted:
        return await self._bus.request(
            HangUp(by=by), Accepted, tenant=tenant, key=call, timeout=_ASK_S
        )

    async def decide(
        self, tenant: TenantId, approval: ApprovalId, decision: str, by: str
    ) -> Accepted:
        return await self._bus.request(
            DecideApproval(decision=decision, by=by, via="api"),
            Accepted, tenant=tenant, key=approval, timeout=_ASK_S,
        )  # fmt: skip

    async def put_rulebook(
        self, tenant: TenantId, agent: str, document: str, by: str
    ) -> RulebookStored:
        return await self._bus.request(
            PutRulebook(document=document, by=by),
            RulebookStored, tenant=tenant, key=agent, timeout=_PUBLISH_S,
        )  # fmt: skip
