"""Recordings: played in ranges, straight from the object store, with a line of audit each time."""

import logging
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response
from fastapi.responses import StreamingResponse

from callfunnel.auth.permissions import Permission
from callfunnel.domain.ids import TenantId, call_id
from callfunnel.infra.objects import Objects
from gateway.door import TheDoor
from gateway.guard import Access, allow
from gateway.problems import NOT_FOUND, RANGE, ProblemError, unavailable
from gateway.ranges import Span, span_of
from gateway.routes.calls import TheCall

router = APIRouter(prefix="/v1/calls", tags=["recordings"])
audit = logging.getLogger("gateway.audit")
_PIECE = 256 * 1024
_TYPES = {"flac": "audio/flac", "opus": "audio/ogg", "wav": "audio/wav"}


@router.get(
    "/{call}/recording",
    response_class=Response,
    responses={
        200: {"content": {"audio/flac": {}}, "description": "both sides, left the caller"},
        206: {"content": {"audio/flac": {}}, "description": "the range asked for"},
        304: {"description": "the same as in If-None-Match"},
    },
)
async def play(
    door: TheDoor,
    access: Annotated[Access, Depends(allow(Permission.PLAY_RECORDINGS))],
    call: TheCall,
    range: Annotated[str | None, Header(max_length=100)] = None,  # noqa: A002 - HTTP's word
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """The call's recording, two channels. Takes `Range`; every access is audited."""
    row = await door.views.recording(access.tenant, call_id(call))
    if row is None or not row["object_key"]:
        raise ProblemError(NOT_FOUND, f"There is no recording of {call} (yet).")
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{row["sha256"]}"',
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'inline; filename="{call}.{row["codec"]}"',
    }
    if if_none_match and headers["ETag"] in if_none_match:
        return Response(status_code=304, headers=headers)
    size = int(row["size"])
    span = span_of(range, size)
    if span is None:
        raise ProblemError(
            RANGE, f"The recording has {size} bytes.", headers={"Content-Range": f"bytes */{size}"}
        )
    words = {"who": access.principal.subject, "tenant": access.tenant, "call": call}
    audit.info("recording played", extra={**words, "bytes": span.length})
    if span.partial:
        headers["Content-Range"] = f"bytes {span.first}-{span.last}/{size}"
    headers["Content-Length"] = str(span.length)
    pieces = await _pieces(door.objects, access.tenant, row["object_key"], span)
    return StreamingResponse(
        pieces,
        status_code=206 if span.partial else 200,
        headers=headers,
        media_type=_TYPES.get(row["codec"], "application/octet-stream"),
    )


async def _pieces(objects: Objects, tenant: TenantId, key: str, span: Span) -> AsyncIterator[bytes]:
    """The bytes, piece by piece; the first is read at once, so that a missing object is said."""
    first = await objects.get_range(tenant, key, span.first, min(_PIECE, span.length))
    if first is None:
        raise unavailable("The recording cannot be read now.")

    async def stream(piece: bytes) -> AsyncIterator[bytes]:
        at = span.first
        while piece:
            yield piece
            at += len(piece)
            left = span.last + 1 - at
            more = await objects.get_range(tenant, key, at, min(_PIECE, left)) if left else b""
            piece = more or b""

    return stream(first)
