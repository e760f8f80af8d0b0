"""The demo page's session."""

from fastapi import APIRouter, Request

from callfunnel.domain.ids import TenantId
from callfunnel.infra.settings import PlatformSettings
from gateway.door import TheDoor
from gateway.problems import FORBIDDEN, ProblemError, unavailable
from gateway.schemas.phone import DemoSession
from gateway.schemas.problem import Problem

router = APIRouter(tags=["demo"])


@router.post(
    "/demo/session",
    responses={
        403: {"description": "not a browser on this machine", "model": Problem},
        503: {"description": "the identity provider is down", "model": Problem},
    },
)
async def open_session(request: Request, door: TheDoor) -> DemoSession:
    """A short-lived token of the demo tenant, for this page in a browser on this machine."""
    peer = request.client.host if request.client else ""
    try:
        granted = await door.demo.open(peer, request.headers)
    except OSError:
        raise unavailable("The identity provider does not answer.", 5) from None
    if granted is None:
        raise ProblemError(
            FORBIDDEN,
            "The demo session is for a browser on the machine that runs CallFunnel.",
            "Open the address that `cf up` printed, on that machine.",
        )
    principal = await door.guard.principal(granted.access_token, peer)
    tenant = principal.tenants[0]
    agents = door.registry.agents(tenant)
    return DemoSession(
        access_token=granted.access_token,
        expires_in=int(granted.expires_in),
        tenant=tenant,
        agents=agents,
        model=door.settings.model,
        rulebook_file=rulebook_file(door.settings, tenant, agents[0]) if agents else None,
    )


def rulebook_file(settings: PlatformSettings, tenant: TenantId, agent: str) -> str | None:
    """The file that the tenant may edit; it tells where things lie on this machine."""
    file = settings.rulebook_file(tenant, agent)
    return str(file) if file is not None else None
