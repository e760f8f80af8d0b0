"""Everything a route may ask, wired once by `__main__` and handed to the application."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from callfunnel.domain.ids import TenantId
from callfunnel.infra.objects import Objects
from callfunnel.infra.settings import PlatformSettings
from callfunnel.infra.spans import Tracer
from callfunnel.infra.telemetry import Telemetry
from gateway.admission import Admission
from gateway.demo import DemoSessions
from gateway.feed import Feeds
from gateway.guard import Guard
from gateway.health import Health
from gateway.placed import Placed
from gateway.registry import KvRegistry
from gateway.remembered import Remembered
from gateway.requests import Requests
from gateway.store import Views
from gateway.streams import Streams
from gateway.telephony import Telephony
from gateway.webhooks import Webhooks


@dataclass(frozen=True, kw_only=True)
class Door:
    """The parts of the gateway."""

    settings: PlatformSettings
    webhooks: Webhooks
    telephony: Telephony
    admission: Admission
    registry: KvRegistry
    requests: Requests
    views: Views
    call_limits: Remembered[TenantId, int | None]
    objects: Objects
    feeds: Feeds
    guard: Guard
    health: Health
    demo: DemoSessions
    streams: Streams
    placed: Placed
    telemetry: Telemetry
    tracer: Tracer


async def _door(request: Request) -> Door:  # a plain function would cost a thread
    door: Door = request.app.state.door
    return door


TheDoor = Annotated[Door, Depends(_door)]
