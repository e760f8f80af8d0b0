"""Approvals: what waits for a person, and the person's decision."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query

from callfunnel.auth.permissions import Permission
from callfunnel.domain.ids import approval_id
from gateway.door import TheDoor
from gateway.guard import Access, allow
from gateway.problems import CONFLICT, NOT_FOUND, ProblemError, unavailable
from gateway.routes.calls import Limit
from gateway.schemas.approvals import Approval, ApprovalList, Decided, Decision

router = APIRouter(prefix="/v1/approvals", tags=["approvals"])
APPROVAL_ID = r"^apr_[a-z2-7]{26}$"
TheApproval = Annotated[str, Path(alias="approval", pattern=APPROVAL_ID)]


@router.get("")
async def list_approvals(
    door: TheDoor,
    access: Annotated[Access, Depends(allow(Permission.READ_APPROVALS))],
    state: Literal["", "open", "approved", "refused", "expired"] = "",
    limit: Limit = 50,
    cursor: Annotated[str, Query(pattern=r"^$|" + APPROVAL_ID)] = "",
) -> ApprovalList:
    """Approvals, newest first; `state=open` for those that wait."""
    rows = await door.views.approvals(access.tenant, state, cursor, limit + 1)
    items = [Approval.model_validate(row) for row in rows[:limit]]
    return ApprovalList(items=items, next=items[-1].approval if len(rows) > limit else None)


@router.get("/{approval}")
async def get_approval(
    door: TheDoor,
    access: Annotated[Access, Depends(allow(Permission.READ_APPROVALS))],
    approval: TheApproval,
) -> Approval:
    """One approval."""
    row = await door.views.approval(access.tenant, approval_id(approval))
    if row is None:
        raise _unknown(approval)
    return Approval.model_validate(row)


@router.post("/{approval}/decision")
async def decide(
    door: TheDoor,
    access: Annotated[Access, Depends(allow(Permission.DECIDE_APPROVALS))],
    approval: TheApproval,
    wanted: Decision,
) -> Decided:
    """Approves or refuses. The first decision wins; a late one is 409 and changes nothing."""
    answer = await door.requests.decide(
        access.tenant, approval_id(approval), wanted.decision, access.principal.name
    )
    match answer.ok, answer.reason:
        case True, _:
            return Decided(approval=approval, decision=wanted.decision)
        case False, "unknown":
            raise _unknown(approval)
        case False, "late":
            raise ProblemError(CONFLICT, answer.detail or "It was decided, or it expired.")
        case _:
            raise unavailable("The decision was not taken.")


def _unknown(approval: str) -> ProblemError:
    return ProblemError(NOT_FOUND, f"There is no approval {approval}.")
