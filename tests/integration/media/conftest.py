"""A real worker process on a real bus, and the gateway's part of an admission."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from callfunnel.domain.call import CallSpec, Pin, PinState, WorkerRecord
from callfunnel.domain.ids import CallId, TenantId, WorkerId
from callfunnel.domain.rulebook import PublishedRulebook, Rulebook
from callfunnel.events.requests import Reserved, ReserveSlot
from callfunnel.events.streams import PINS, RULEBOOKS, SLOTS, WORKERS
from callfunnel.infra.bus import Bus
from callfunnel.infra.clock import fresh_id, utc_now
from callfunnel.infra.sealed import SealedSecrets
from callfunnel.infra.settings import PlatformSettings
from callfunnel.local.private_stack import PrivateStack
from tests.integration.media.model_thread import model_beside
from tests.simulators.openai_realtime import Script
from tests.simulators.room import ACCOUNT, AUTH_TOKEN, rulebook, spec
from tests.simulators.waiting import until

REPOSITORY = Path(__file__).parents[3]


@dataclass
class WorkerProcess:
    """`python -m workers.media` as its supervisor starts it."""

    settings: PlatformSettings
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    @property
    def name(self) -> WorkerId:
        return WorkerId(self.settings.process)

    def told(self) -> dict[str, Any]:
        """The file that it leaves for its supervisor."""
        file = self.settings.run_dir / f"{self.name}.json"
        found: dict[str, Any] = msgspec.json.decode(file.read_bytes())
        return found

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def wind_up(self) -> int:
        """What the supervisor does for the spool of one that it does not start again."""
        command = [sys.executable, "-m", "workers.media.windup"]
        done = subprocess.run(command, cwd=REPOSITORY, env=self.environment, check=False)
        return done.returncode

    def start_again(self) -> None:
        self.process = _spawn(self.environment)

    async def wait(self, within_s: float = 10.0) -> int:
        return await asyncio.to_thread(self.process.wait, within_s)


def _spawn(environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "workers.media"], cwd=REPOSITORY, env=environment
    )


@pytest.fixture
def worker(stack: PrivateStack, request: pytest.FixtureRequest) -> Iterator[WorkerProcess]:
    """A worker whose model is the OpenAI line; the test sets `worker_model` to its address.

    A reservation waits 2 s for its socket, or as long as the fixture's parameter says.
    """
    base_url = request.getfixturevalue("model_url")
    settings = stack.settings(f"media-{fresh_id('w')[-8:]}")
    environment = {
        **os.environ,
        **settings.to_env(),
        "CALLFUNNEL_MODEL": "openai",
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": base_url,
        "CALLFUNNEL_DRAIN_S": "2",
        "CALLFUNNEL_MEDIA_HELD_S": getattr(request, "param", "2"),
    }
    started = WorkerProcess(settings, environment, _spawn(environment))
    yield started
    started.kill()


@pytest.fixture
async def bus(platform: PlatformSettings, platform_secrets: SealedSecrets) -> AsyncIterator[Bus]:
    """The bus as the gateway sees it."""
    opened = await Bus.connect(platform, "gateway", platform_secrets)
    yield opened
    await opened.stop()


@pytest.fixture
async def media_bus(
    platform: PlatformSettings, platform_secrets: SealedSecrets
) -> AsyncIterator[Bus]:
    """The bus as one who may read what was not redacted yet."""
    opened = await Bus.connect(platform, "persistence", platform_secrets)
    yield opened
    await opened.stop()


@pytest.fixture
async def conductor_bus(
    platform: PlatformSettings, platform_secrets: SealedSecrets
) -> AsyncIterator[Bus]:
    """The bus as the one who publishes rule books."""
    opened = await Bus.connect(platform, "conductor", platform_secrets)
    yield opened
    await opened.stop()


@dataclass
class Admission:
    """What the gateway does for a call: slot, reservation, pin; and the rule book it needs."""

    bus: Bus
    conductor: Bus
    secrets: SealedSecrets
    tenant: TenantId
    book: Rulebook = field(default_factory=lambda: rulebook(apology="Sorry."))
    _published: list[Rulebook] = field(default_factory=list)

    async def record(self, worker: WorkerId) -> WorkerRecord | None:
        entry = await self.bus.kv(WORKERS.name).get(worker)
        return None if entry is None else msgspec.json.decode(entry.value, type=WorkerRecord)

    async def ready(self, worker: WorkerId) -> WorkerRecord:
        found: list[WorkerRecord] = []

        async def registered() -> bool:
            record = await self.record(worker)
            found[:] = [record] if record and not record.draining else []
            return bool(found)

        await until(registered, "the worker registers", 20)
        return found[0]

    async def publish_rulebook(self) -> int:
        """Its version: another book is another version, as workers rely on."""
        if self.book not in self._published:
            self._published.append(self.book)
        version = 3 + self._published.index(self.book)
        published = PublishedRulebook(
            version=version, digest="d", published_at=utc_now(), rulebook=self.book
        )
        key = f"{self.tenant}.home-internet"
        await self.conductor.kv(RULEBOOKS.name).put(key, msgspec.json.encode(published))
        login = {"account_sid": ACCOUNT, "auth_token": AUTH_TOKEN}
        await self.secrets.put(self.tenant, "carriers/twilio", login)
        return version

    async def offer(self, worker: WorkerId) -> tuple[CallSpec, Reserved]:
        version = await self.publish_rulebook()
        slot = f"{self.tenant}.0"
        revision = await self.bus.kv(SLOTS.name).create(slot, b"{}")
        call = CallId(fresh_id("c"))
        offered = spec(
            tenant=self.tenant,
            call=call,
            carrier_call_id="CA" + call[2:],
            slot=slot,
            slot_revision=revision or 0,
            rulebook_version=version,
        )
        return offered, await self.reserve(worker, offered)

    async def reserve(self, worker: WorkerId, offered: CallSpec) -> Reserved:
        asked = ReserveSlot(spec=offered)
        return await self.bus.request(asked, Reserved, tenant=self.tenant, key=worker)

    async def pin(self, worker: WorkerId, offered: CallSpec, reserved: Reserved) -> str:
        path = f"/media/{worker}/{reserved.token}"
        pin = Pin(
            tenant=self.tenant,
            call=offered.call,
            worker=worker,
            epoch=reserved.epoch,
            token=reserved.token,
            media_path=path,
            spec=offered,
        )
        await self.bus.kv(PINS.name).put(pin_key(offered), msgspec.json.encode(pin))
        return path

    async def term_of_pin(self, offered: CallSpec) -> str:
        """How long the bus will keep the call's pin; "" for as long as any."""
        kv, key = self.bus.kv(PINS.name), f"twilio-{offered.carrier_call_id}"
        stream = self.bus.client.jetstream()
        found = await stream.get_last_msg(kv.stream, f"$KV.{kv.bucket}.{key}")
        return (found.headers or {}).get("Nats-TTL", "")

    async def pinned(self, offered: CallSpec) -> Pin:
        entry = await self.bus.kv(PINS.name).get(pin_key(offered))
        assert entry is not None
        return msgspec.json.decode(entry.value, type=Pin)

    async def give_up(self, worker: WorkerId, offered: CallSpec, conductor: Bus) -> None:
        """What others do when a worker is silent for too long: its lease goes, its call ends."""
        await conductor.kv(WORKERS.name).delete(worker)
        entry = await conductor.kv(PINS.name).get(pin_key(offered))
        assert entry is not None
        pin = msgspec.json.decode(entry.value, type=Pin)
        over = msgspec.structs.replace(pin, state=PinState.ENDED, cause="worker_lost")
        taken = await conductor.kv(PINS.name).replace(
            entry.key, msgspec.json.encode(over), entry.revision
        )
        assert taken

    async def slot_is_free(self, offered: CallSpec) -> bool:
        return await self.bus.kv(SLOTS.name).get(offered.slot) is None


def pin_key(offered: CallSpec) -> str:
    return f"twilio-{offered.carrier_call_id}"


@pytest.fixture
def admission(
    bus: Bus, conductor_bus: Bus, platform_secrets: SealedSecrets, tenant: TenantId
) -> Admission:
    return Admission(bus, conductor_bus, platform_secrets, tenant)


@pytest.fixture
def script() -> Script:
    """What the model says; a test may fill it before the call."""
    return Script()


@pytest.fixture
def model_url(script: Script) -> Iterator[str]:
    with model_beside(script) as model:
        yield model.base_url
