"""What the local issuer grants: access tokens, refresh tokens, and what it says about a token.

Tokens have the claims Keycloak's have. A refresh token is good once; using one twice ends its
session, because then somebody has a copy. Sessions live in memory: a restart asks users again.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from callfunnel.local.identity.identities import Identities, Identity, password_fits, secret_fits

_REFRESH_S = 1800
_MOST_SESSIONS = 10_000


class Refused(Exception):
    """An OAuth error: `error` is its code, the text its description."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class _Session:
    sid: str
    client: str
    user: str
    ends_at: float


class Grants:
    """Grants of one realm. Every method takes the form of the request and unix seconds."""

    def __init__(self, identities: Identities, issuer: str, audience: str) -> None:
        self._identities = identities
        self._issuer = issuer
        self._audience = audience
        self._refreshable: dict[str, _Session] = {}
        self._spent: dict[str, str] = {}
        self._ended: set[str] = set()

    def token(self, form: Mapping[str, str], now: float) -> dict[str, Any]:
        """The answer of the token endpoint. Raises Refused."""
        client = self.authenticated(form)
        match form.get("grant_type"):
            case "client_credentials":
                return self._answer(client, client, str(uuid.uuid4()), now)
            case "password":
                return self._by_password(client, form, now)
            case "refresh_token":
                return self._by_refresh(client, form, now)
            case _:
                raise Refused("unsupported_grant_type", "Unsupported grant_type")

    def authenticated(self, form: Mapping[str, str]) -> Identity:
        """The client that the form's credentials belong to. Raises Refused."""
        client = self._identities.client(form.get("client_id", ""))
        if not secret_fits(client, form.get("client_secret", "")) or client is None:
            raise Refused("invalid_client", "Invalid client or Invalid client credentials")
        return client

    def introspect(self, form: Mapping[str, str], now: float) -> dict[str, Any]:
        """`active` and the claims of an access token of ours. Raises Refused for a bad client."""
        self.authenticated(form)
        claims = self.claims(form.get("token", ""), now)
        return {"active": True, **claims} if claims else {"active": False}

    def claims(self, token: str, now: float) -> dict[str, Any] | None:
        """The claims of an access token that is ours and still good, else None."""
        keys = KeySet([key.rsa() for key in self._identities.keys(int(now))])
        try:
            claims: dict[str, Any] = jwt.decode(token, keys, algorithms=["RS256"]).claims
        except (JoseError, ValueError):
            return None
        if claims.get("exp", 0) <= now or claims.get("sid") in self._ended:
            return None
        return claims

    def logout(self, form: Mapping[str, str]) -> None:
        """End the session of a refresh token; no error when it has ended."""
        self.authenticated(form)
        session = self._refreshable.pop(_fingerprint(form.get("refresh_token", "")), None)
        if session is not None:
            self._ended.add(session.sid)

    def _by_password(self, client: Identity, form: Mapping[str, str], now: float) -> dict[str, Any]:
        user = self._identities.user(form.get("username", ""))
        if not password_fits(user, form.get("password", "")) or user is None:
            raise Refused("invalid_grant", "Invalid user credentials")
        session = _Session(str(uuid.uuid4()), client.name, user.name, now + _REFRESH_S)
        return self._answer(client, user, session.sid, now) | self._refreshed(session)

    def _by_refresh(self, client: Identity, form: Mapping[str, str], now: float) -> dict[str, Any]:
        mark = _fingerprint(form.get("refresh_token", ""))
        if mark in self._spent:
            self._end(self._spent[mark])
        session = self._refreshable.pop(mark, None)
        if session is None or session.client != client.name or session.ends_at <= now:
            raise Refused("invalid_grant", "Invalid refresh token")
        user = self._identities.user(session.user)
        if user is None:
            raise Refused("invalid_grant", "User not found")
        self._spent[mark] = session.sid
        again = _Session(session.sid, client.name, user.name, now + _REFRESH_S)
        return self._answer(client, user, session.sid, now) | self._refreshed(again)

    def _end(self, sid: str) -> None:
        self._ended.add(sid)
        ended = [mark for mark, session in self._refreshable.items() if session.sid == sid]
        for mark in ended:
            del self._refreshable[mark]

    def _refreshed(self, session: _Session) -> dict[str, Any]:
        token = secrets.token_urlsafe(48)
        self._refreshable[_fingerprint(token)] = session
        for table in (self._refreshable, self._spent):
            while len(table) > _MOST_SESSIONS:
                del table[next(iter(table))]
        return {"refresh_token": token, "refresh_expires_in": _REFRESH_S}

    def _answer(self, client: Identity, who: Identity, sid: str, now: float) -> dict[str, Any]:
        key = self._identities.keys(int(now))[0]
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "typ": "Bearer",
            "sub": who.subject,
            "azp": client.name,
            "sid": sid,
            "jti": str(uuid.uuid4()),
            "iat": int(now),
            "exp": int(now) + client.token_s,
            "preferred_username": who.name,
            "groups": list(who.groups),
            "scope": "profile",
        }
        header = {"alg": "RS256", "typ": "JWT", "kid": key.kid}
        return {
            "access_token": jwt.encode(header, claims, key.rsa(), algorithms=["RS256"]),
            "expires_in": client.token_s,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "session_state": sid,
            "scope": "profile",
        }


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
