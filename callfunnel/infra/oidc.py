"""Requests to the identity provider: its public keys, and tokens by client credentials.

Plain HTTP in a thread; these are a few requests an hour. Works the same against Keycloak and the
local issuer, whose endpoints have Keycloak's shape.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from callfunnel.auth.keys import KeyRing
from callfunnel.auth.service_tokens import Granted, ServiceTokens
from callfunnel.auth.tokens import TokenVerifier
from callfunnel.domain.ids import PLATFORM
from callfunnel.infra.secrets import Secrets
from callfunnel.infra.settings import PlatformSettings

_TIMEOUT_S = 5.0
_LONGEST = 256 * 1024
_PROTOCOL = "protocol/openid-connect"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""No proxy of the environment: the identity provider is a neighbour, often on loopback."""


def token_verifier(settings: PlatformSettings) -> TokenVerifier:
    """The verifier for tokens of the configured issuer."""
    return verifier_of(settings.issuer, settings.audience)


def verifier_of(issuer: str, audience: str) -> TokenVerifier:
    """The verifier for tokens of one issuer; fetches its keys when first needed."""

    async def fetch() -> Mapping[str, Any]:
        return await asyncio.to_thread(_request, f"{issuer}/{_PROTOCOL}/certs", None)

    return TokenVerifier(KeyRing(fetch, time.monotonic), issuer, audience)


async def service_tokens(
    settings: PlatformSettings, service: str, secrets: Secrets
) -> ServiceTokens:
    """Tokens of the service's own client `oidc/<service>`."""
    client = await secrets.get(PLATFORM, f"oidc/{service}")
    form = {"grant_type": "client_credentials", **client}

    async def grant() -> Granted:
        return await request_token(settings.issuer, form)

    return ServiceTokens(grant, time.monotonic)


async def request_token(issuer: str, form: Mapping[str, str]) -> Granted:
    """One token request. Raises OSError when the issuer cannot be reached or refuses."""
    answer = await asyncio.to_thread(_request, f"{issuer}/{_PROTOCOL}/token", dict(form))
    try:
        return Granted(str(answer["access_token"]), float(answer["expires_in"]))
    except (KeyError, TypeError, ValueError) as error:
        raise OSError("the issuer's answer holds no token") from error


def _request(url: str, form: dict[str, str] | None) -> dict[str, Any]:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"the issuer's address {url!r} is no http(s) address")
    body = urllib.parse.urlencode(form).encode() if form is not None else None
    with _DIRECT.open(url, body, _TIMEOUT_S) as response:
        text = response.read(_LONGEST + 1)
    if len(text) > _LONGEST:
        raise OSError("the issuer's answer is too long")
    answer = json.loads(text)
    if not isinstance(answer, dict):
        raise OSError("the issuer's answer is no object")
    return answer
