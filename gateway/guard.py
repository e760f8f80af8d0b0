"""Who is asking for which tenant, and may they: the one way into `/v1`.

The tenant comes from the token; `CallFunnel-Tenant` only chooses among several in it. Each tenant
has its own request budget; whoever keeps coming with bad tokens has a small one by address.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from callfunnel.auth.keys import KeysUnavailable
from callfunnel.auth.permissions import Permission
from callfunnel.auth.principal import Principal
from callfunnel.auth.tokens import TokenRefused, TokenVerifier
from callfunnel.domain.ids import TenantId
from gateway.limits import Limiter, RateLimit
from gateway.problems import (
    FORBIDDEN,
    INVALID,
    RATE,
    UNAUTHENTICATED,
    ProblemError,
    unavailable,
)

log = logging.getLogger(__name__)

PER_TENANT = RateLimit("tenant", quota=6000, window_s=60)
EXPENSIVE = RateLimit("expensive", quota=30, window_s=60)
"""What costs the platform most of a second: a rule book is read and checked as a whole."""
BAD_TOKENS = RateLimit("bad-tokens", quota=30, window_s=60)

bearer = HTTPBearer(
    auto_error=False, bearerFormat="JWT", scheme_name="token", description="RS256 access token"
)


@dataclass(frozen=True)
class Access:
    """A request that may go on: who asks, for which tenant."""

    principal: Principal
    tenant: TenantId


class Guard:
    """Verifies tokens and counts requests."""

    def __init__(
        self,
        verifier: TokenVerifier,
        per_tenant: RateLimit = PER_TENANT,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._verifier = verifier
        self._tenants = Limiter(per_tenant)
        self._bad = Limiter(BAD_TOKENS)
        self._expensive = Limiter(EXPENSIVE)
        self._now = now

    async def principal(self, token: str, peer: str) -> Principal:
        """Who the token speaks for. Raises ProblemError: 401, 429, 503."""
        try:
            return await self._verifier.verify(token)
        except KeysUnavailable:
            raise unavailable("The identity provider does not answer.", 5) from None
        except TokenRefused as refused:
            log.info("token refused", extra={"reason": str(refused)})
            verdict = self._bad.take(peer, self._now())
            if not verdict.allowed:
                headers = self._bad.limit.headers(verdict)
                raise ProblemError(RATE, "Too many bad tokens.", headers=headers) from None
            raise unauthenticated("The token is not valid here, or no longer.") from None

    def count(self, tenant: TenantId) -> dict[str, str]:
        """The RateLimit headers of one more request. Raises ProblemError: 429."""
        verdict = self._tenants.take(tenant, self._now())
        headers = self._tenants.limit.headers(verdict)
        if not verdict.allowed:
            raise ProblemError(RATE, "The tenant's request budget is used up.", headers=headers)
        return headers

    def count_expensive(self, tenant: TenantId) -> None:
        """One more request that costs a lot. Raises ProblemError: 429."""
        verdict = self._expensive.take(tenant, self._now())
        if not verdict.allowed:
            headers = self._expensive.limit.headers(verdict)
            raise ProblemError(RATE, "Too many such requests of this tenant.", headers=headers)


def allow(permission: Permission) -> Callable[..., Awaitable[Access]]:
    """The dependency of a route that needs `permission`."""

    async def access(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
        wanted: Annotated[
            str | None,
            Header(
                alias="CallFunnel-Tenant", description="which tenant, when the token has several"
            ),
        ] = None,
    ) -> Access:
        guard: Guard = request.app.state.door.guard
        if credentials is None:
            raise unauthenticated("There is no bearer token.")
        peer = request.client.host if request.client else ""
        principal = await guard.principal(credentials.credentials, peer)
        tenant = chosen_tenant(principal, wanted)
        request.state.extra_headers = {"Cache-Control": "no-store"} | guard.count(tenant)
        if not principal.may(tenant, permission):
            raise ProblemError(FORBIDDEN, f"This needs the permission {permission.value}.")
        return Access(principal, tenant)

    return access


def chosen_tenant(principal: Principal, wanted: str | None) -> TenantId:
    """The tenant a request is about. Raises ProblemError."""
    if wanted is not None:
        if wanted not in principal.tenants:
            raise ProblemError(FORBIDDEN, "The token has no role in that tenant.")
        return TenantId(wanted)
    if not principal.tenants:
        raise ProblemError(FORBIDDEN, "The token has no role in any tenant.")
    if len(principal.tenants) > 1:
        raise ProblemError(
            INVALID,
            "The token has roles in several tenants.",
            "Name one in the header CallFunnel-Tenant.",
        )
    return principal.tenants[0]


def unauthenticated(detail: str) -> ProblemError:
    """401, with the challenge that HTTP asks for."""
    return ProblemError(UNAUTHENTICATED, detail, headers={"WWW-Authenticate": "Bearer"})
