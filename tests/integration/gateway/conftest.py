"""A whole gateway on real services, with a scripted worker and people of two tenants."""

import asyncio
import secrets as randomness
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import msgspec
import psycopg
import pytest
import uvicorn

from callfunnel.auth.permissions import Role
from callfunnel.auth.principal import group_path
from callfunnel.domain.ids import TenantId
from callfunnel.domain.rulebook import Busy, Persona, PublishedRulebook, Rulebook
from callfunnel.events.streams import RULEBOOKS
from callfunnel.infra.bus import Bus
from callfunnel.infra.host import Host
from callfunnel.infra.objects import Objects
from callfunnel.infra.sealed import SealedFolder, SealedSecrets
from callfunnel.infra.settings import PlatformSettings
from callfunnel.local.identity.grants import Grants
from callfunnel.local.identity.identities import Identities
from callfunnel.local.identity.issuer import Issuer
from callfunnel.local.private_stack import PrivateStack
from gateway.__main__ import open_gateway
from gateway.door import Door
from tests.integration.conftest import PoolOf
from tests.integration.gateway.scripted_worker import ScriptedWorker
from tests.integration.gateway.stored_calls import StoredCalls
from tests.simulators.waiting import until

AUTH_TOKEN = "carrier-secret-of-the-test"
AGENT = "home-internet"
APOLOGY = "We are sorry, the line broke."
BUSY = "Everybody is talking, call again."


@dataclass
class Running:
    """A gateway that answers at `url`, and what the tests arrange around it."""

    url: str
    tenant: TenantId
    number: str
    account: str
    settings: PlatformSettings
    people: "People"
    door: Door
    stack: PrivateStack
    bus: Bus
    conductor: Bus
    http: httpx.AsyncClient
    workers: list[ScriptedWorker] = field(default_factory=list)

    def relayed(self) -> int:
        """How many media sockets are relayed now."""
        text = self.door.telemetry.render().decode()
        line = next(x for x in text.splitlines() if x.startswith("callfunnel_gateway_relayed"))
        return int(float(line.split()[1]))

    async def worker(self, name: str = "", slots: int = 10) -> ScriptedWorker:
        """A media worker that is registered and takes reservations until the test ends."""
        worker = ScriptedWorker(self.bus, name or f"media-{randomness.token_hex(3)}", slots)
        await worker.start()
        self.workers.append(worker)
        await until(lambda: worker.name in self.door.registry.workers(), "the worker is seen")
        return worker


class People:
    """Makes access tokens, as the issuer would."""

    def __init__(self, identities: Identities, settings: PlatformSettings) -> None:
        self._identities = identities
        self._grants = Grants(identities, settings.issuer, settings.audience)

    def token(self, *groups: str, seconds: int = 300) -> str:
        """A token with these group paths."""
        name, secret = f"client-{randomness.token_hex(4)}", randomness.token_hex(8)
        self._identities.add_client(name, secret, groups, seconds)
        form = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
        answer = self._grants.token(form, time.time())
        return str(answer["access_token"])

    def headers(self, tenant: TenantId, *roles: Role) -> dict[str, str]:
        """Request headers of somebody with these roles (all of them unless named)."""
        groups = [group_path(tenant, role) for role in roles or tuple(Role)]
        return {"Authorization": f"Bearer {self.token(*groups)}"}


@asynccontextmanager
async def issuer(identities: Identities, settings: PlatformSettings) -> AsyncIterator[None]:
    """The local issuer at the settings' address."""
    app = Issuer(identities, settings.issuer, settings.audience).app()
    port = int(settings.issuer.split(":")[2].partition("/")[0])
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
    )
    serving = asyncio.create_task(server._serve())
    await until(lambda: server.started, "the issuer")
    yield
    server.should_exit = True
    await serving


@pytest.fixture
async def gateway(
    stack: PrivateStack,
    platform_secrets: SealedSecrets,
    tenant: TenantId,
    owner_conninfo: str,
) -> AsyncIterator[Running]:
    settings = stack.settings("gateway")
    settings = replace(
        settings,
        public_url=f"http://127.0.0.1:{settings.http_port}",
        rulebook_tenant=tenant,
    )
    identities = Identities(SealedFolder.open(Path(settings.secrets.removeprefix("local:"))))
    number, account = await _carrier(tenant, owner_conninfo, platform_secrets)
    bus = await Bus.connect(settings, "media", platform_secrets)
    conductor = await Bus.connect(settings, "conductor", platform_secrets)
    await conductor.kv(RULEBOOKS.name).put(f"{tenant}.{AGENT}", msgspec.json.encode(published()))
    process = Host(settings, open_gateway)
    async with issuer(identities, settings), httpx.AsyncClient(timeout=10) as http:
        await process.start()
        assert process.program is not None
        running = Running(
            url=settings.public_url,
            tenant=tenant,
            number=number,
            account=account,
            settings=settings,
            people=People(identities, settings),
            door=process.program.door,
            stack=stack,
            bus=bus,
            conductor=conductor,
            http=http,
        )
        yield running
        for worker in running.workers:
            await worker.stop()
        process.hurry()
        await process.stop()
    await conductor.stop()
    await bus.stop()


@pytest.fixture
async def calls(
    gateway: Running,
    postgres: PoolOf,
    objects: Objects,
    platform_secrets: SealedSecrets,
) -> AsyncIterator[StoredCalls]:
    """The calls of the gateway's tenant."""
    persistence = await Bus.connect(gateway.settings, "persistence", platform_secrets)
    yield StoredCalls(gateway.tenant, postgres, objects, persistence)
    await persistence.stop()


async def _carrier(
    tenant: TenantId, owner_conninfo: str, secrets: SealedSecrets
) -> tuple[str, str]:
    """A number and a carrier account of the tenant."""
    number = f"+1555{randomness.randbelow(10**7):07d}"
    account = f"AC{randomness.token_hex(16)}"
    async with await psycopg.AsyncConnection.connect(owner_conninfo) as connection:
        await connection.execute(
            "insert into platform.numbers (number, tenant, agent) values (%s, %s, %s)",
            (number, tenant, AGENT),
        )
    await secrets.put(tenant, "carriers/twilio", {"account_sid": account, "auth_token": AUTH_TOKEN})
    return number, account


def published() -> PublishedRulebook:
    rulebook = Rulebook(
        agent=AGENT,
        persona=Persona(name="Nova", company="Brightline"),
        greeting="Hello.",
        apology=APOLOGY,
        busy=Busy(say=BUSY),
    )
    return PublishedRulebook(
        version=3, digest="d", published_at="2026-01-01T00:00:00Z", rulebook=rulebook
    )
