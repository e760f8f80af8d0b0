"""The issuer's public keys: cached, asked for again rarely, kept when the issuer is down.

A token with an unknown `kid` makes one request at most every `_LEAST_PAUSE_S`, however many such
tokens arrive, so nobody can use random kids to turn this service against the issuer. The request
itself is passed in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_LEAST_PAUSE_S = 10.0
_PAUSE_AFTER_FAILURE_S = 1.0
_FRESH_S = 600.0
_LEAST_BITS = 2048

FetchKeys = Callable[[], Awaitable[Mapping[str, Any]]]
"""Returns the JWKS document. Raises OSError when the issuer cannot be reached."""


class KeysUnavailable(Exception):
    """The issuer's keys could not be had yet: nobody can be let in, nobody is refused for good."""


class KeyRing:
    """RSA signing keys by `kid`. `clock` returns monotonic seconds."""

    def __init__(self, fetch: FetchKeys, clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, RSAPublicKey] = {}
        self._fetched_at = float("-inf")
        self._not_before = float("-inf")
        self._turn = asyncio.Lock()

    async def key(self, kid: str) -> RSAPublicKey | None:
        """The key, or None when the issuer has none of that name.

        Raises KeysUnavailable when no key was ever fetched.
        """
        if kid not in self._keys or self._clock() - self._fetched_at > _FRESH_S:
            await self._refresh(kid)
        if not self._keys:
            raise KeysUnavailable("the identity provider's keys could not be fetched")
        return self._keys.get(kid)

    async def _refresh(self, kid: str) -> None:
        async with self._turn:
            now = self._clock()
            fresh = now - self._fetched_at <= _FRESH_S
            if now < self._not_before or (kid in self._keys and fresh):
                return
            try:
                document = await self._fetch()
            except (OSError, ValueError):
                self._not_before = self._clock() + _PAUSE_AFTER_FAILURE_S
                return
            self._keys = signing_keys(document) or self._keys
            self._fetched_at = self._clock()
            self._not_before = self._fetched_at + _LEAST_PAUSE_S


def signing_keys(document: object) -> dict[str, RSAPublicKey]:
    """The RS256 keys of a JWKS document; anything else in it is passed over."""
    entries = document.get("keys") if isinstance(document, dict) else None
    found: dict[str, RSAPublicKey] = {}
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        kid, key = entry.get("kid"), _rsa_key(entry)
        if isinstance(kid, str) and key is not None:
            found[kid] = key
    return found


def _rsa_key(entry: dict[str, Any]) -> RSAPublicKey | None:
    if entry.get("kty") != "RSA" or entry.get("alg", "RS256") != "RS256":
        return None
    try:
        key = jwt.PyJWK(entry, algorithm="RS256").key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= _LEAST_BITS else None
