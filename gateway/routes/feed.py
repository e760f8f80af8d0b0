"""The tenant's feed: every fact of every call, live and resumable."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.responses import StreamingResponse

from callfunnel.auth.permissions import Permission
from gateway.door import TheDoor
from gateway.guard import Access, allow
from gateway.problems import INVALID, ProblemError
from gateway.routes.calls import SSE_HEADERS, expiry

router = APIRouter(prefix="/v1/events", tags=["calls"])


@router.get(
    "",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "facts as they come"}},
)
async def tenant_events(
    door: TheDoor,
    access: Annotated[Access, Depends(allow(Permission.READ_CALLS))],
    last_event_id: Annotated[str, Header(pattern=r"^\d{0,18}$")] = "",
) -> StreamingResponse:
    """Every fact (schema `Fact`) of all calls from now on, or behind `Last-Event-ID`.

    The bus remembers a week; behind an older cursor the feed begins with the oldest it has.
    """
    newest = await door.feeds.beginning()
    after = int(last_event_id) if last_event_id else newest
    if after > newest:
        raise ProblemError(INVALID, "Last-Event-ID is no event of this feed yet.")
    door.streams.enter(access.tenant)
    body = door.feeds.tenant(access.tenant, after, expiry(access))
    return StreamingResponse(
        door.streams.counted(access.tenant, body),
        media_type="text/event-stream",
        headers=SSE_HEADERS,
    )
