"""Twilio's webhooks. The form is parsed only once limits hold; a wrong signature gets no hint."""

from fastapi import APIRouter, Request, Response

from callfunnel.domain.errors import Temporary
from gateway import twiml
from gateway.door import TheDoor
from gateway.entry import call_entering
from gateway.webhooks import NotSigned, Received

router = APIRouter(prefix="/carriers/twilio", include_in_schema=False)
_FORM = "application/x-www-form-urlencoded"


@router.post("/voice")
async def voice(request: Request, door: TheDoor) -> Response:
    """A call is offered: TwiML, the same for every repetition."""
    try:
        offered = await door.webhooks.offered(await _received(request))
        with call_entering(request, door.tracer) as entry:
            answer = await door.telephony.answer(offered, entry.traceparent)
            entry.pin = answer.pin
        return _xml(answer.document)
    except NotSigned:
        return Response(status_code=403)
    except Temporary:
        return _xml(twiml.say_and_hang_up(door.telephony.apology))


@router.post("/next")
async def after_stream(request: Request, door: TheDoor) -> Response:
    """The media socket has closed: transfer, end, or an apology for a lost worker."""
    try:
        about = await door.webhooks.about_call(await _received(request))
        return _xml(door.telephony.after_stream(about))
    except NotSigned:
        return Response(status_code=403)
    except Temporary:
        return _xml(twiml.say_and_hang_up(door.telephony.apology))


@router.post("/status")
async def status(request: Request, door: TheDoor) -> Response:
    """The carrier's word on a leg: late, repeated, out of order. Kept in the log, acted on never.

    The end of a call is the worker's to tell, from its socket; an answer of 503 lets the carrier
    repeat what could not be verified now.
    """
    try:
        door.telephony.note_status(await door.webhooks.about_call(await _received(request)))
        return Response(status_code=204)
    except NotSigned:
        return Response(status_code=403)


async def _received(request: Request) -> Received:
    if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM:
        raise NotSigned
    query = request.url.query
    return Received(
        target=request.url.path + (f"?{query}" if query else ""),
        signature=request.headers.get("x-twilio-signature", ""),
        body=await request.body(),
    )


def _xml(document: str) -> Response:
    return Response(document, media_type="text/xml")
