"""A whole product with two tenants in it: what is A's, and everybody that B can be."""

from __future__ import annotations

import asyncio
import json
import secrets as randomness
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import httpx
import psycopg

from callfunnel.auth.permissions import Role
from callfunnel.auth.principal import group_path
from callfunnel.domain.ids import TenantId
from callfunnel.infra.bus import Bus
from callfunnel.infra.objects import Objects
from callfunnel.infra.postgres import Pool, connect_pool, conninfo
from callfunnel.infra.sealed import SealedFolder, SealedSecrets
from callfunnel.infra.settings import PlatformSettings
from callfunnel.local.demo import CARRIER, TENANT
from callfunnel.local.home.folder import Home
from callfunnel.local.identity.grants import Grants
from callfunnel.local.identity.identities import Identities
from callfunnel.local.processes import Stack, settings
from tests.integration.gateway.stored_calls import StoredCalls
from tests.simulators.openai_realtime import Script
from tests.simulators.otlp_collector import Collector
from tests.simulators.running_stack import RunningStack

MODEL_KEY = "sk-planted-5f2b1c9e7a"
A, B = TENANT, TenantId("rival")
RIVAL_ACCOUNT = {"account_sid": "AC" + "b" * 32, "auth_token": "planted-token-of-the-rival"}
EVERY_ROLE = tuple(Role)


@dataclass
class Owned:
    """Ids of what one tenant has."""

    call: str
    approval: str
    agent: str


@dataclass
class TwoTenants:
    """A running product. A is the demo tenant, B the one that attacks; `script` is the model's,
    `collector` has the traces."""

    stack: RunningStack
    script: Script
    collector: Collector
    mine: Owned = field(init=False)
    theirs: Owned = field(init=False)

    @classmethod
    def settle(cls, stack: RunningStack, script: Script, collector: Collector) -> TwoTenants:
        """Gives both tenants a call, its recording and bill, an approval and a rule book."""
        made = cls(stack, script, collector)
        made.theirs, made.mine = asyncio.run(made._arrange())
        return made

    @cached_property
    def store(self) -> SealedFolder:
        return SealedFolder.open(self.stack.home / "secrets")

    @cached_property
    def settings(self) -> PlatformSettings:
        """What a process named `test` of this product would be told."""
        ports = json.loads((self.stack.home / "ports.json").read_text())
        told = settings(Stack(Home(self.stack.home), ports, self.store), "test")
        decoded = PlatformSettings.from_env(told)
        Path(decoded.spool_dir).mkdir(exist_ok=True)
        return decoded

    @cached_property
    def secrets(self) -> SealedSecrets:
        return SealedSecrets(self.store)

    @property
    def page(self) -> str:
        """The address that `up` prints."""
        return str(self.stack.ready["page"])

    @cached_property
    def door(self) -> httpx.Client:
        """The gateway, asked by nobody in particular."""
        return httpx.Client(base_url=self.stack.ready["gateway"], timeout=10)

    def token(self, *groups: str, seconds: int = 900) -> str:
        """An access token of somebody in these groups, from the issuer's own keys."""
        identities = Identities(self.store)
        grants = Grants(identities, self.settings.issuer, self.settings.audience)
        name, secret = f"client-{randomness.token_hex(4)}", randomness.token_hex(8)
        identities.add_client(name, secret, groups, seconds)
        form = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
        return str(grants.token(form, time.time())["access_token"])

    def headers(self, tenant: TenantId, *roles: Role) -> dict[str, str]:
        """Request headers of somebody of a tenant with these roles (all of them unless named)."""
        groups = [group_path(tenant, role) for role in roles or EVERY_ROLE]
        return {"Authorization": f"Bearer {self.token(*groups)}"}

    @cached_property
    def as_a(self) -> dict[str, str]:
        return self.headers(A)

    @cached_property
    def as_b(self) -> dict[str, str]:
        return self.headers(B)

    def close(self) -> None:
        self.door.close()
        self.stack.stop()

    @asynccontextmanager
    async def stored(self, tenant: TenantId) -> AsyncIterator[StoredCalls]:
        """What the workers behind a tenant's calls would store."""
        async with AsyncExitStack() as closing:

            async def pool_of(role: str) -> Pool:
                pool = await connect_pool(self.settings, role, self.secrets)
                closing.push_async_callback(pool.close)
                return pool

            objects = await Objects.connect(self.settings, "persistence", self.secrets)
            bus = await Bus.connect(self.settings, "persistence", self.secrets)
            closing.push_async_callback(bus.stop)
            yield StoredCalls(tenant, pool_of, objects, bus)

    async def _arrange(self) -> tuple[Owned, Owned]:
        owner = await conninfo(self.settings, "owner", self.secrets)
        async with await psycopg.AsyncConnection.connect(owner) as connection:
            await connection.execute(
                "insert into platform.tenants (tenant, name, call_limit) values (%s, %s, 10)",
                (B, "Rival"),
            )
        await self.secrets.put(B, CARRIER, RIVAL_ACCOUNT)
        return await self._owned(A, "home-internet"), await self._owned(B, "sales")

    async def _owned(self, tenant: TenantId, agent: str) -> Owned:
        async with self.stored(tenant) as stored:
            call = await stored.call()
            await stored.recording(call)
            await stored.bill(call, 100)
            await stored.record(call)
            await stored.rulebook("sales", f"agent: sales # of {tenant}")
            return Owned(call, await stored.approval(), agent)
