"""The local identity provider: Keycloak's endpoints for one realm, on loopback.

    python -m callfunnel.local.identity.issuer <port>

Discovery, keys, tokens, introspection, user information and logout, in the shapes that Keycloak's
clients expect. Administration has no HTTP here: see `directory`.
"""

from __future__ import annotations

import base64
import binascii
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from callfunnel.domain.allowances import Allowances
from callfunnel.domain.errors import UserError
from callfunnel.infra.sealed import SealedFolder
from callfunnel.infra.telemetry import CONTENT_TYPE, Telemetry
from callfunnel.local.home.ports import LOOPBACK
from callfunnel.local.identity.grants import Grants, Refused
from callfunnel.local.identity.identities import Identities
from callfunnel.local.identity.people import ensure_people

_PREFIX = "/realms/callfunnel"
_PROTOCOL = f"{_PREFIX}/protocol/openid-connect"
_LONGEST_FORM = 32 * 1024
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_STATUS = {"invalid_client": 401, "invalid_token": 401, "slow_down": 429}
Form = dict[str, str]
Handler = Callable[[Request, Form], Awaitable[Response]]


class Issuer:
    """The endpoints of one realm."""

    def __init__(self, identities: Identities, issuer: str, audience: str) -> None:
        self._identities = identities
        self._issuer = issuer
        self._grants = Grants(identities, issuer, audience)
        self._asked = Allowances(burst=200, per_s=50)
        self._failed = Allowances(burst=10, per_s=0.2)
        self._telemetry = Telemetry()
        self._answered = self._telemetry.counter("issuer_requests")

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route(_PREFIX, self.realm),
                Route(f"{_PREFIX}/.well-known/openid-configuration", self.discovery),
                Route(f"{_PROTOCOL}/certs", self.certs),
                Route(f"{_PROTOCOL}/token", self._guarded(self.token), methods=["POST"]),
                Route(
                    f"{_PROTOCOL}/token/introspect",
                    self._guarded(self.introspect),
                    methods=["POST"],
                ),
                Route(
                    f"{_PROTOCOL}/userinfo", self._guarded(self.userinfo), methods=["GET", "POST"]
                ),
                Route(f"{_PROTOCOL}/logout", self._guarded(self.logout), methods=["POST"]),
                Route("/healthz", self.health),
                Route("/readyz", self.health),
                Route("/metrics", self.metrics),
            ]
        )

    async def health(self, _: Request) -> Response:
        """Answers once there is a key to sign with."""
        self._identities.keys(int(time.time()))
        return JSONResponse({"status": "ok"})

    async def metrics(self, _: Request) -> Response:
        return Response(self._telemetry.render(), media_type=CONTENT_TYPE)

    async def realm(self, _: Request) -> Response:
        key = self._identities.keys(int(time.time()))[0].rsa()
        pem = key.as_pem(private=False).decode().strip().splitlines()
        content = {
            "realm": "callfunnel",
            "public_key": "".join(pem[1:-1]),
            "token-service": f"{self._issuer}/protocol/openid-connect",
        }
        return JSONResponse(content)

    async def discovery(self, _: Request) -> Response:
        at = f"{self._issuer}/protocol/openid-connect"
        return JSONResponse(
            {
                "issuer": self._issuer,
                "token_endpoint": f"{at}/token",
                "introspection_endpoint": f"{at}/token/introspect",
                "userinfo_endpoint": f"{at}/userinfo",
                "end_session_endpoint": f"{at}/logout",
                "jwks_uri": f"{at}/certs",
                "grant_types_supported": ["client_credentials", "password", "refresh_token"],
                "response_types_supported": ["none"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "client_secret_basic",
                ],
            }
        )

    async def certs(self, _: Request) -> Response:
        keys = [key.rsa().as_dict(private=False) for key in self._identities.keys(int(time.time()))]
        return JSONResponse({"keys": keys})

    async def token(self, _: Request, form: Form) -> Response:
        return JSONResponse(self._grants.token(form, time.time()), headers=_NO_STORE)

    async def introspect(self, _: Request, form: Form) -> Response:
        return JSONResponse(self._grants.introspect(form, time.time()))

    async def userinfo(self, request: Request, _: Form) -> Response:
        scheme, blank, token = request.headers.get("authorization", "").partition(" ")
        claims = (
            self._grants.claims(token, time.time())
            if blank and scheme.lower() == "bearer"
            else None
        )
        if claims is None:
            raise Refused("invalid_token", "Token verification failed")
        return JSONResponse(
            {name: claims[name] for name in ("sub", "preferred_username", "groups")}
        )

    async def logout(self, _: Request, form: Form) -> Response:
        self._grants.logout(form)
        return Response(status_code=204)

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            peer, now = request.client.host if request.client else "", time.monotonic()
            who = f"from {peer}"
            try:
                form = await _form(request)
                who = self._budget(peer, form)
                self._admit(self._asked, who, now)
                self._asked.take(who, now)
                who = f"{who} {form.get('client_id')} {form.get('username')}"
                self._admit(self._failed, who, now)
                answer = await handler(request, form)
                self._answered.add(outcome="granted")
                return answer
            except TooOften as too_often:
                self._answered.add(outcome="too_often")
                return _refusal(too_often, too_often.wait)
            except Refused as refused:
                self._answered.add(outcome="refused")
                self._failed.take(who, now)
                return _refusal(refused, 0)

        return guarded

    def _budget(self, peer: str, form: Form) -> str:
        """Whose budget a request is. A client whose secret fits has one of its own: secrets are
        too long to be guessed, and everybody of this machine has the same address, so what others
        guess must not cost a client its tokens. All others share that of their address.
        """
        try:
            return f"client {self._grants.authenticated(form).name}"
        except Refused:
            return f"from {peer}"

    def _admit(self, allowances: Allowances, key: str, now: float) -> None:
        wait = allowances.wait_s(key, now)
        if wait:
            raise TooOften(wait)


class TooOften(Refused):
    """Ask again after `wait` seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__("slow_down", "Too many requests")
        self.wait = wait


def _refusal(refused: Refused, retry_after: int) -> Response:
    content = {"error": refused.error, "error_description": refused.description}
    headers = _NO_STORE | ({"Retry-After": str(retry_after)} if retry_after else {})
    return JSONResponse(content, _STATUS.get(refused.error, 400), headers)


async def _form(request: Request) -> Form:
    """The fields of the request, client credentials of the Authorization header included."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            raise Refused("invalid_request", "The request is too long")
    form = _parsed(bytes(body))
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Refused("invalid_client", "Invalid Authorization header") from error
        form |= {"client_id": unquote(name), "client_secret": unquote(secret)}
    return form


def _parsed(body: bytes) -> Form:
    try:
        pairs = parse_qsl(body.decode(), max_num_fields=32, keep_blank_values=True)
    except (ValueError, UnicodeDecodeError) as error:
        raise Refused("invalid_request", "The form is not understood") from error
    return dict(pairs)


def main(argv: list[str], environment: dict[str, str]) -> int:
    kind, _, folder = environment["CALLFUNNEL_SECRETS"].partition(":")
    if kind != "local":
        print("the local issuer keeps its clients in a local secret store", file=sys.stderr)
        return 2
    try:
        store = SealedFolder.open(Path(folder))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    identities = Identities(store)
    ensure_people(identities, store)
    identities.keys(int(time.time()))
    issuer = Issuer(
        identities, environment["CALLFUNNEL_ISSUER"], environment["CALLFUNNEL_AUDIENCE"]
    )
    options: dict[str, Any] = {"log_level": "warning", "access_log": False, "lifespan": "off"}
    uvicorn.run(
        issuer.app(), host=LOOPBACK, port=int(argv[0]), timeout_graceful_shutdown=1, **options
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ)))
