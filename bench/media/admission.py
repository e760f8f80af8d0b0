"""The gateway's part: a slot, a reservation and a pin for each call, on the real bus."""

import asyncio
import itertools

import msgspec

from callfunnel.carrier.signature import media_url, signature
from callfunnel.domain.call import Pin, WorkerRecord
from callfunnel.domain.errors import Temporary
from callfunnel.domain.ids import CallId, TenantId, WorkerId
from callfunnel.domain.rulebook import PublishedRulebook
from callfunnel.events.requests import Reserved, ReserveSlot
from callfunnel.events.streams import PINS, RULEBOOKS, SLOTS, WORKERS
from callfunnel.infra.bus import Bus
from callfunnel.infra.clock import fresh_id, utc_now
from callfunnel.infra.secrets import open_secrets
from callfunnel.infra.settings import PlatformSettings
from tests.simulators.room import ACCOUNT, AUTH_TOKEN, rulebook, spec

TENANTS = 10


class Admission:
    """Places calls on the workers that are registered, in turn."""

    def __init__(self, settings: PlatformSettings, workers: list[str]) -> None:
        self._settings = settings
        self._workers = itertools.cycle([WorkerId(each) for each in workers])
        self._urls: dict[str, str] = {}
        self._numbers = itertools.count()
        self._gateway: Bus

    async def open(self) -> None:
        """Connects, and publishes a rule book and a carrier's login for each tenant."""
        secrets = open_secrets(self._settings.secrets)
        self._gateway = await Bus.connect(self._settings, "gateway", secrets)
        conductor = await Bus.connect(self._settings, "conductor", secrets)
        book = PublishedRulebook(version=3, digest="d", published_at=utc_now(), rulebook=rulebook())
        for number in range(TENANTS):
            tenant = TenantId(f"bench-{number}")
            key = f"{tenant}.home-internet"
            await conductor.kv(RULEBOOKS.name).put(key, msgspec.json.encode(book))
            login = {"account_sid": ACCOUNT, "auth_token": AUTH_TOKEN}
            await secrets.put(tenant, "carriers/twilio", login)
        await conductor.stop()

    async def place(self) -> tuple[str, dict[str, str], str]:
        """One call: where its socket goes, with which headers, and the carrier's id of it.

        Raises Temporary when the worker does not take it now."""
        worker, number = next(self._workers), next(self._numbers)
        tenant = TenantId(f"bench-{number % TENANTS}")
        slot = f"{tenant}.{number}"
        call = CallId(fresh_id("c"))
        revision = await self._gateway.kv(SLOTS.name).create(slot, b"{}")
        offered = spec(
            tenant=tenant,
            call=call,
            carrier_call_id="CA" + call[2:],
            slot=slot,
            slot_revision=revision or 0,
        )
        asked = ReserveSlot(spec=offered)
        reserved = await self._gateway.request(asked, Reserved, tenant=tenant, key=worker)
        if not reserved.ok:
            raise Temporary(f"no slot: {reserved.reason}")
        path = f"/media/{worker}/{reserved.token}"
        pin = Pin(
            tenant=tenant,
            call=call,
            worker=worker,
            epoch=reserved.epoch,
            token=reserved.token,
            media_path=path,
            spec=offered,
        )
        key = f"twilio-{offered.carrier_call_id}"
        await self._gateway.kv(PINS.name).put(key, msgspec.json.encode(pin))
        signed = signature(AUTH_TOKEN, media_url(self._settings.public_url, path))
        url = await self._url(worker)
        return url + path, {"X-Twilio-Signature": signed}, offered.carrier_call_id

    async def close(self) -> None:
        await self._gateway.stop()

    async def _url(self, worker: str) -> str:
        """Where the worker's sockets are, once it takes calls."""
        while worker not in self._urls:
            entry = await self._gateway.kv(WORKERS.name).get(worker)
            record = msgspec.json.decode(entry.value, type=WorkerRecord) if entry else None
            if record is not None and not record.draining:
                self._urls[worker] = record.url
            else:
                await asyncio.sleep(0.05)
        return self._urls[worker]

    async def ready(self) -> None:
        """Returns once every worker takes calls."""
        first = next(self._workers)
        await self._url(first)
        while (worker := next(self._workers)) != first:
            await self._url(worker)
