"""Whether a bearer token is good: signature, algorithm, issuer, audience, times, type.

The algorithm is ours and never the token's. `aud` must be this API; an ID token, a refresh token
or a token for another audience is refused. The reason is for logs: the caller hears only "invalid".
"""

from __future__ import annotations

from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from callfunnel.auth.keys import KeyRing
from callfunnel.auth.principal import Principal, principal_of

_ALGORITHM = "RS256"
_LEEWAY_S = 30
_REQUIRED = ["exp", "iat", "iss", "aud", "sub"]
_LONGEST = 16 * 1024


class TokenRefused(Exception):
    """The token is not good for this API. Its text is for a log, not for the caller."""


class TokenVerifier:
    """Verifies tokens of one issuer for one audience."""

    def __init__(self, keys: KeyRing, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    async def verify(self, token: str) -> Principal:
        """Who the token speaks for. Raises TokenRefused, or KeysUnavailable (try again later)."""
        key = await self._keys.key(_kid(token))
        if key is None:
            raise TokenRefused("signed with a key the issuer does not have")
        return principal_of(verified_claims(token, key, self._issuer, self._audience))


def verified_claims(token: str, key: RSAPublicKey, issuer: str, audience: str) -> dict[str, Any]:
    """The claims of a good token. Raises TokenRefused."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=audience,
            issuer=issuer,
            leeway=_LEEWAY_S,
            options={"require": _REQUIRED},
        )
    except jwt.PyJWTError as error:
        raise TokenRefused(f"{type(error).__name__}") from error
    if claims.get("typ") != "Bearer":
        raise TokenRefused("not an access token")
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise TokenRefused("no subject")
    return claims


def _kid(token: str) -> str:
    if len(token) > _LONGEST:
        raise TokenRefused("longer than a token is")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise TokenRefused("not a signed token") from error
    kid = header.get("kid")
    if header.get("alg") != _ALGORITHM or not isinstance(kid, str) or not 0 < len(kid) <= 128:
        raise TokenRefused("not signed as the issuer signs")
    return kid
