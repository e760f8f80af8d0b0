"""A service's own access token: client credentials, kept, and renewed before it ends.

The request is passed in (`infra/oidc.py` makes it). A token is renewed at four fifths of its
life; while the issuer is down the old one serves as long as it is valid.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

_RENEW_AT = 0.8
_MARGIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Granted:
    """An access token and how many seconds it lives."""

    access_token: str
    expires_in: float


Grant = Callable[[], Awaitable[Granted]]
"""Asks the issuer for a token. Raises OSError when it cannot be reached or refuses."""


class ServiceTokens:
    """The current token of one client. `clock` returns monotonic seconds."""

    def __init__(self, grant: Grant, clock: Callable[[], float]) -> None:
        self._grant = grant
        self._clock = clock
        self._token = ""
        self._renew_at = float("-inf")
        self._ends_at = float("-inf")
        self._turn = asyncio.Lock()

    async def token(self) -> str:
        """A token that is good for some seconds at least. Raises OSError when there is none."""
        async with self._turn:
            now = self._clock()
            if now >= self._renew_at:
                await self._renew(now)
            return self._token

    async def _renew(self, now: float) -> None:
        try:
            granted = await self._grant()
        except OSError:
            if now < self._ends_at - _MARGIN_S:
                return
            raise
        self._token = granted.access_token
        self._renew_at = now + granted.expires_in * _RENEW_AT
        self._ends_at = now + granted.expires_in
