"""One connection of one process to the bus, as one of its users; it never gives up by itself."""

import logging
from collections.abc import Callable

import msgspec
import nats
from nats.aio.client import Client

from callfunnel.infra.secrets import PLATFORM, Secrets
from callfunnel.infra.settings import PlatformSettings

log = logging.getLogger(__name__)


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


async def connect(access: BusAccess, closed: Callable[[], None]) -> Client:
    """Connects, waiting for the server as long as it takes.

    Outages are waited out for ever. `closed` is called when the client has closed for good, which
    only happens when credentials are refused: the process should then end and be started again.
    """

    async def on_error(error: Exception) -> None:
        log.warning("bus", extra={"error": type(error).__name__, "connection": access.name})

    async def on_closed() -> None:
        closed()

    return await nats.connect(
        access.url,
        name=access.name,
        user=access.user or None,
        password=access.password or None,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.25,
        ping_interval=10,
        max_outstanding_pings=2,
        allow_reconnect=True,
        error_cb=on_error,
        closed_cb=on_closed,
    )
