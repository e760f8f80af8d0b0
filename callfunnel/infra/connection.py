"""One connection of one process to the bus, as one of its users; it never gives up by itself."""

import logging
from collections.abc import Callable

import msgspec

from callfunnel.infra.lean import LeanClient
from callfunnel.infra.secrets import PLATFORM, Secrets
from callfunnel.infra.settings import PlatformSettings

log = logging.getLogger(__name__)
_RETRY_S = 0.25
_REFUSALS = 20
"""Refused logins in a row that mean: these credentials are no longer any."""


class BusAccess(msgspec.Struct, frozen=True, kw_only=True):
    """Where the bus is and who connects; `name` shows in the server's monitoring."""

    url: str
    name: str
    user: str = ""
    password: str = ""


async def access_for(settings: PlatformSettings, role: str, secrets: Secrets) -> BusAccess:
    """The access of a role, with the credentials at `_platform: nats/<role>`."""
    login = await secrets.get(PLATFORM, f"nats/{role}")
    return BusAccess(
        url=settings.nats_url,
        name=f"{settings.process}/{role}",
        user=login["user"],
        password=login["password"],
    )


def inbox_of(user: str) -> str:
    """Where the answers to a user's requests and what it reads arrive; no other user hears them."""
    return f"_INBOX.{user}" if user else "_INBOX"


async def connect(access: BusAccess, closed: Callable[[], None]) -> LeanClient:
    """Connects, waiting for the server as long as it takes; outages are waited out for ever.

    `closed` is called when no waiting will help: the client has closed for good, or the server
    goes on refusing our login. The process should then end, and be started again to read its
    credentials anew.
    """
    troubles = _Troubles(access.name, closed)

    async def on_closed() -> None:
        closed()

    client = LeanClient()
    await client.connect(
        access.url,
        name=access.name,
        user=access.user or None,
        password=access.password or None,
        inbox_prefix=inbox_of(access.user),
        max_reconnect_attempts=-1,
        reconnect_time_wait=_RETRY_S,  # type: ignore[arg-type]  # any number of seconds
        ping_interval=10,
        max_outstanding_pings=2,
        error_cb=troubles.on_error,
        reconnected_cb=troubles.on_reconnected,
        closed_cb=on_closed,
    )
    return client


class _Troubles:
    """Says each kind of trouble once per outage, and counts refusals of our login."""

    def __init__(self, name: str, refused: Callable[[], None]) -> None:
        self._name = name
        self._refused = refused
        self._said: set[str] = set()
        self._refusals = 0

    async def on_error(self, error: Exception) -> None:
        kind = type(error).__name__
        if kind not in self._said:
            self._said.add(kind)
            log.warning("bus", extra={"error": kind, "connection": self._name})
        if "authorization" in str(error).lower():
            self._refusals += 1
            if self._refusals == _REFUSALS:
                log.error("the bus refuses our login", extra={"connection": self._name})
                self._refused()

    async def on_reconnected(self) -> None:
        if self._said:
            log.info("bus is back", extra={"connection": self._name})
        self._said.clear()
        self._refusals = 0
