"""Calls: what they are and were, what happens in them, and the hang-up."""

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.responses import StreamingResponse

from callfunnel.auth.permissions import Permission
from callfunnel.domain.errors import Temporary
from callfunnel.domain.ids import CallId, call_id
from callfunnel.infra.bus import Unanswered
from gateway.door import Door, TheDoor
from gateway.guard import Access, allow
from gateway.ordering import Ordering
from gateway.problems import CONFLICT, INVALID, NOT_FOUND, ProblemError
from gateway.schemas.calls import (
    CALL_ID,
    Call,
    CallPage,
    Fact,
    HangUpAccepted,
    Record,
    Timeline,
)

router = APIRouter(prefix="/v1/calls", tags=["calls"])
TheCall = Annotated[str, Path(alias="call", pattern=CALL_ID, description="id of the call")]
Reader = Annotated[Access, Depends(allow(Permission.READ_CALLS))]
Controller = Annotated[Access, Depends(allow(Permission.CONTROL_CALLS))]
Limit = Annotated[int, Query(ge=1, le=200)]
SSE_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get("")
async def list_calls(
    door: TheDoor,
    access: Reader,
    limit: Limit = 50,
    cursor: Annotated[str, Query(pattern=r"^$|" + CALL_ID)] = "",
) -> CallPage:
    """The tenant's calls, newest first. Follow `next` for older ones."""
    rows = await door.views.calls(access.tenant, cursor, limit + 1)
    items = [Call.model_validate(row) for row in rows[:limit]]
    return CallPage(items=items, next=items[-1].call if len(rows) > limit else None)


@router.get("/{call}")
async def get_call(door: TheDoor, access: Reader, call: TheCall) -> Call:
    """One call."""
    row = await door.views.call(access.tenant, call_id(call))
    if row is None:
        raise no_such_call(call)
    return Call.model_validate(row)


@router.get("/{call}/timeline")
async def get_timeline(door: TheDoor, access: Reader, call: TheCall) -> Timeline:
    """Everything that was told about the call, in order."""
    known = call_id(call)
    rows = await door.views.timeline(access.tenant, known)
    if not rows and await door.views.call(access.tenant, known) is None:
        raise no_such_call(call)
    return Timeline(items=[Fact.model_validate(row) for row in rows])


@router.get(
    "/{call}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "facts as they come"}},
)
async def call_events(
    door: TheDoor,
    access: Reader,
    call: TheCall,
    last_event_id: Annotated[str, Header(max_length=600)] = "",
) -> StreamingResponse:
    """Every fact of the call (schema `Fact`) as server-sent events: what was, then what is.

    With `Last-Event-ID` it goes on behind that event, without gap or repetition. The stream ends
    when the call is settled.
    """
    known = call_id(call)
    foreign = ProblemError(INVALID, "Last-Event-ID is no event of this call.")
    try:
        ordering = Ordering(known, last_event_id)
    except ValueError:
        raise foreign from None
    await _exists(door, access, known)
    if last_event_id and not await _may_resume(door, access, known, ordering):
        raise foreign
    door.streams.enter(access.tenant)
    body = door.feeds.call(access.tenant, known, ordering, expiry(access))
    return StreamingResponse(
        door.streams.counted(access.tenant, body),
        media_type="text/event-stream",
        headers=SSE_HEADERS,
    )


@router.get("/{call}/record")
async def get_record(door: TheDoor, access: Reader, call: TheCall) -> Record:
    """The sealed record, once the call is settled."""
    row = await door.views.record(access.tenant, call_id(call))
    if row is None:
        raise ProblemError(NOT_FOUND, f"There is no sealed record of {call} (yet).")
    return Record.model_validate(row)


@router.post("/{call}/hangup", status_code=202)
async def hang_up(door: TheDoor, access: Controller, call: TheCall) -> HangUpAccepted:
    """Ends a call that is in progress; its end follows as a fact."""
    known = call_id(call)
    try:
        accepted = await door.requests.hang_up(access.tenant, known, access.principal.name)
    except Unanswered:
        if await door.views.call(access.tenant, known) is None:
            raise no_such_call(call) from None
        raise ProblemError(CONFLICT, "The call is not in progress.") from None
    if not accepted.ok:
        raise ProblemError(CONFLICT, accepted.detail or "The call is not in progress.")
    return HangUpAccepted(call=call)


def expiry(access: Access) -> float:
    """The loop's time at which the reader's token is no longer good."""
    return asyncio.get_running_loop().time() + access.principal.expires_at - time.time()


def no_such_call(call: str) -> ProblemError:
    """404 for a call the tenant does not have, whoever else may have it."""
    return ProblemError(NOT_FOUND, f"There is no call {call}.")


async def _exists(door: Door, access: Access, call: CallId) -> None:
    """Refuses a call nobody has told of. One that was placed a moment ago has no row yet."""
    try:
        known = await door.views.call(access.tenant, call) is not None
    except Temporary:
        known = True  # its facts are still on the bus
    if not known and not door.placed.has(access.tenant, call):
        raise no_such_call(call)


async def _may_resume(door: Door, access: Access, call: CallId, ordering: Ordering) -> bool:
    try:
        return await door.feeds.may_resume(access.tenant, call, ordering)
    except Temporary:
        return True  # the feed itself says that it cannot be had
