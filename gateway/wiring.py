"""Puts the gateway together from a process's connections: the only place that knows all parts."""

import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeVar

from callfunnel.auth.service_tokens import Granted
from callfunnel.domain.ids import PLATFORM, CallId, TenantId
from callfunnel.events.streams import PINS, RULEBOOKS, SLOTS, WORKERS
from callfunnel.infra.bus import Bus
from callfunnel.infra.context import Context
from callfunnel.infra.mirror import Mirror
from callfunnel.infra.oidc import request_token, token_verifier
from callfunnel.infra.spool import Spool
from gateway.accounts import Accounts
from gateway.admission import Admission
from gateway.demo import DemoSessions
from gateway.door import Door
from gateway.feed import Feeds
from gateway.guard import Guard
from gateway.health import Health
from gateway.measures import Measures
from gateway.ordering import CallFact
from gateway.placed import Placed
from gateway.placement import LiveWorker, headroom
from gateway.refusals import SpooledRefusals
from gateway.registry import HeldSlots, KvRegistry
from gateway.remembered import Remembered
from gateway.requests import Requests
from gateway.store import Route, Views
from gateway.streams import Streams
from gateway.telephony import Telephony
from gateway.webhooks import Webhooks

K = TypeVar("K")
V = TypeVar("V")
ROLE = "gateway"
_DEMO_CLIENT = "oidc/demo-admin"
_PAGE = "demo/page"
_ROUTE_KEPT_S = 3.0
_ROUTE_STALE_S = 900.0
"""While the database is away: a number that changed hands meanwhile is rarer than a lost call."""


def remembered(ask: Callable[[K], Awaitable[V]]) -> Remembered[K, V]:
    """What admission asks the database: kept for a few seconds, and for an outage of it."""
    return Remembered(
        ask, seconds=_ROUTE_KEPT_S, most=10_000, now=time.monotonic, stale_s=_ROUTE_STALE_S
    )


class Routes:
    """Number to tenant."""

    def __init__(self, views: Views) -> None:
        self._remembered: Remembered[str, Route | None] = remembered(views.route)

    async def route(self, number: str) -> Route | None:
        """Whose number it is. Raises Temporary."""
        return await self._remembered.get(number)


@dataclass(frozen=True)
class Mirrors:
    """The buckets that admission reads without a round trip."""

    workers: Mirror
    slots: Mirror
    held: HeldSlots
    rulebooks: Mirror

    @property
    def fresh(self) -> bool:
        return self.workers.fresh and self.slots.fresh and self.rulebooks.fresh


async def open_door(context: Context, opened: AsyncExitStack) -> Door:
    """Everything open and wired; `opened` undoes it. Waits until the services answer."""
    bus = await context.bus(ROLE)
    views = Views(await context.pool(ROLE))
    mirrors = await _mirrors(bus, opened)
    spool = await Spool.open(context.settings.spool_dir)
    opened.push_async_callback(spool.close)
    await spool.send_through(bus.client)
    context.telemetry.watch("spool", lambda: spool.stats)
    context.telemetry.watch("spool_sender", lambda: spool.sender_stats)
    registry = KvRegistry(
        workers=mirrors.workers,
        slots=mirrors.held,
        rulebooks=mirrors.rulebooks,
        pin_bucket=bus.kv(PINS.name),
        slot_bucket=bus.kv(SLOTS.name),
        connected=lambda: bus.client.is_connected,
    )
    requests = Requests(bus)
    context.telemetry.watch("media", lambda: _workers(registry.workers().values()))
    refusals = SpooledRefusals(spool)
    admission = Admission(registry, requests, refusals, measures=Measures(context.telemetry))
    public_url = context.settings.public_url
    accounts = Accounts(context.secrets, views.tenants, time.monotonic)
    return Door(
        settings=context.settings,
        webhooks=Webhooks(public_url, accounts, Routes(views), registry),
        telephony=Telephony(
            public_url, registry.rulebook, admission, context.settings.unknown_number
        ),
        admission=admission,
        registry=registry,
        requests=requests,
        views=views,
        call_limits=remembered(views.call_limit),
        objects=await context.objects(ROLE),
        feeds=Feeds(bus, _timeline(views)),
        guard=Guard(token_verifier(context.settings)),
        health=_health(context, mirrors, views, spool),
        demo=DemoSessions(
            _demo_grant(context) if context.settings.demo_session else None, _page_key(context)
        ),
        streams=Streams(),
        placed=Placed(time.monotonic),
        telemetry=context.telemetry,
        tracer=context.tracer,
    )


def _workers(live: Collection[LiveWorker]) -> dict[str, int]:
    return {
        "workers": len(live),
        "headroom": sum(headroom(each.record) for each in live),
    }


async def _mirrors(bus: Bus, opened: AsyncExitStack) -> Mirrors:
    held = HeldSlots()
    made = Mirrors(
        workers=Mirror(bus.client, WORKERS.name),
        slots=Mirror(bus.client, SLOTS.name, held.changed),
        held=held,
        rulebooks=Mirror(bus.client, RULEBOOKS.name),
    )
    for mirror in (made.workers, made.slots, made.rulebooks):
        opened.push_async_callback(mirror.stop)
        await mirror.start()
    return made


def _timeline(views: Views) -> Callable[[TenantId, CallId], Awaitable[list[CallFact]]]:
    async def timeline(tenant: TenantId, call: CallId) -> list[CallFact]:
        rows = await views.timeline(tenant, call)
        return [CallFact(r["id"], r["seq"], r["type"], r["at"], r["data"]) for r in rows]

    return timeline


def _health(context: Context, mirrors: Mirrors, views: Views, spool: Spool) -> Health:
    async def bus() -> bool:
        return all(context.checks().values())

    async def registry() -> bool:
        return mirrors.fresh

    async def database() -> bool:
        await views.ready()
        return True

    async def room() -> bool:
        return spool.accepting

    return Health({"bus": bus, "registry": registry, "database": database, "spool": room})


def _demo_grant(context: Context) -> Callable[[], Awaitable[Granted]]:
    async def grant() -> Granted:
        client = await context.secrets.get(PLATFORM, _DEMO_CLIENT)
        form = {"grant_type": "client_credentials", **client}
        return await request_token(context.settings.issuer, form)

    return grant


def _page_key(context: Context) -> Callable[[], Awaitable[str]]:
    async def key() -> str:
        return (await context.secrets.get(PLATFORM, _PAGE))["key"]

    return key
