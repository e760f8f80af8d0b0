"""The browser phone: a call is admitted and pinned, the browser gets the socket's address."""

import secrets
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request

from callfunnel.auth.permissions import Permission
from callfunnel.carrier.signature import media_url
from callfunnel.domain.call import Cause, Channel
from callfunnel.domain.ids import TenantId
from callfunnel.infra.settings import PlatformSettings
from gateway.door import TheDoor
from gateway.entry import call_entering
from gateway.guard import Access, allow
from gateway.offers import Offer, is_refused
from gateway.problems import BUSY, FORBIDDEN, NOT_FOUND, ProblemError
from gateway.schemas.phone import PhoneToken, PhoneTokenRequest

router = APIRouter(prefix="/v1/phone-tokens", tags=["phone"])
EXPIRES_S = 30
"""As long as a worker keeps a reservation."""


@router.post("", status_code=201)
async def place_call(
    request: Request,
    door: TheDoor,
    access: Annotated[Access, Depends(allow(Permission.PLACE_CALLS))],
    wanted: PhoneTokenRequest,
) -> PhoneToken:
    """Places a call from a browser to one of the tenant's agents. 503 when all lines are busy."""
    if door.registry.rulebook(access.tenant, wanted.agent) is None:
        raise ProblemError(NOT_FOUND, f"There is no agent {wanted.agent} with a rule book.")
    limit = await door.call_limits.get(access.tenant)
    if limit is None:
        raise ProblemError(FORBIDDEN, "The tenant is suspended.", "Talk to the platform.")
    with call_entering(request, door.tracer) as entry:
        offer = _offer(access.tenant, wanted.agent, limit, entry.traceparent)
        entry.pin = pin = await door.admission.admit(offer)
    if is_refused(pin):
        busy = pin.cause == Cause.REFUSED_BUSY.value
        raise ProblemError(BUSY if busy else FORBIDDEN, pin.apology, headers={"Retry-After": "5"})
    door.placed.add(access.tenant, pin.call)
    return PhoneToken(
        call=pin.call,
        media_url=media_url(_origin(request, door.settings), pin.media_path),
        token=pin.token,
        expires_s=EXPIRES_S,
    )


def _origin(request: Request, settings: PlatformSettings) -> str:
    """Where this browser finds media: here, if it reached a relaying gateway by another name."""
    host = request.headers.get("host", "")
    elsewhere = settings.media_relay and host and host != urlsplit(settings.public_url).netloc
    return f"http://{host}" if elsewhere else settings.public_url


def _offer(tenant: TenantId, agent: str, limit: int, traceparent: str) -> Offer:
    return Offer(
        tenant=tenant,
        agent=agent,
        call_limit=limit,
        channel=Channel.BROWSER,
        carrier_call_id=secrets.token_urlsafe(24),
        caller="browser",
        callee=agent,
        traceparent=traceparent,
    )
