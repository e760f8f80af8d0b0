"""Usage and bills."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from callfunnel.auth.permissions import Permission
from callfunnel.domain.ids import call_id
from gateway.door import TheDoor
from gateway.guard import Access, allow
from gateway.problems import INVALID, ProblemError
from gateway.routes.calls import TheCall, no_such_call
from gateway.schemas.usage import Bill, BillLine, Day, DayTotal, UsageTotals

router = APIRouter(prefix="/v1", tags=["usage"])
Reader = Annotated[Access, Depends(allow(Permission.READ_USAGE))]
_LONGEST = timedelta(days=366)


@router.get("/calls/{call}/bill")
async def get_bill(door: TheDoor, access: Reader, call: TheCall) -> Bill:
    """What the call cost, line by line."""
    known = call_id(call)
    lines = await door.views.bill_lines(access.tenant, known)
    row = await door.views.call(access.tenant, known)
    if row is None:
        raise no_such_call(call)
    return Bill(
        call=call,
        rated=row["amount_micros"] is not None,
        lines=[BillLine.model_validate(line) for line in lines],
        total_micros=sum(line["amount_micros"] for line in lines),
        currency=lines[0]["currency"] if lines else row["currency"],
    )


@router.get("/usage")
async def get_usage(
    door: TheDoor,
    access: Reader,
    since: Annotated[Day | None, Query(description="first day, default 30 days ago")] = None,
    until: Annotated[Day | None, Query(description="day after the last, default tomorrow")] = None,
) -> UsageTotals:
    """What was used per day and meter."""
    last = until or datetime.now(UTC).date() + timedelta(days=1)
    first = since or last - timedelta(days=31)
    if not first < last <= first + _LONGEST:
        raise ProblemError(INVALID, "`since` must be before `until`, by a year at most.")
    rows = await door.views.usage_totals(access.tenant, first.isoformat(), last.isoformat())
    return UsageTotals(
        since=first, until=last, items=[DayTotal.model_validate(row) for row in rows]
    )
