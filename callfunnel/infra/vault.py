"""Vault KV v2 as the secret store: `<mount>/tenants/<tenant>/<path>`.

The only module that knows hvac. hvac blocks, so each request runs in a thread. A Vault that is
sealed or out of reach is Temporary; a refusal is Permanent and never names the value.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import TypeVar

import hvac
import requests
from hvac import exceptions

from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.domain.ids import TenantId
from callfunnel.infra.secrets import SecretMissing, checked_path, checked_tenant

_TIMEOUT_S = 5
_Result = TypeVar("_Result")


class VaultSecrets:
    """`Secrets` over one KV v2 mount, with the token found in VAULT_TOKEN or VAULT_TOKEN_FILE.

    The file is read again when Vault says that the token is not good any more: an agent or the
    scheduler renews it in place.
    """

    def __init__(self, client: hvac.Client, mount: str, token: Callable[[], str]) -> None:
        self._client = client
        self._mount = mount
        self._token = token
        self._client.token = token()

    @classmethod
    def from_address(cls, address: str) -> VaultSecrets:
        """`<url>` or `<url>#<mount>`; the mount is `kv` unless said."""
        url, _, mount = address.partition("#")
        return cls(hvac.Client(url=url, timeout=_TIMEOUT_S), mount or "kv", _environment_token)

    def close(self) -> None:
        """Give back the connections."""
        self._client.adapter.close()

    async def get(self, tenant: TenantId, path: str) -> dict[str, str]:
        where = _where(tenant, path)
        kv = self._client.secrets.kv.v2
        try:
            found = await self._run(
                lambda: kv.read_secret_version(
                    where, mount_point=self._mount, raise_on_deleted_version=True
                )
            )
        except exceptions.InvalidPath:
            raise SecretMissing(tenant, path) from None
        return {str(name): str(value) for name, value in found["data"]["data"].items()}

    async def put(self, tenant: TenantId, path: str, value: Mapping[str, str]) -> int:
        where = _where(tenant, path)
        kv = self._client.secrets.kv.v2
        written = await self._run(
            lambda: kv.create_or_update_secret(where, dict(value), mount_point=self._mount)
        )
        return int(written["data"]["version"])

    async def delete(self, tenant: TenantId, path: str) -> None:
        await self._forget(_where(tenant, path))

    async def paths(self, tenant: TenantId) -> list[str]:
        root = f"tenants/{checked_tenant(tenant)}"
        return sorted(await self._walk(root, ""))

    async def erase(self, tenant: TenantId) -> None:
        for path in await self.paths(tenant):
            await self._forget(_where(tenant, path))

    async def _forget(self, where: str) -> None:
        kv = self._client.secrets.kv.v2
        await self._run(lambda: kv.delete_metadata_and_all_versions(where, mount_point=self._mount))

    async def _walk(self, root: str, prefix: str) -> list[str]:
        kv = self._client.secrets.kv.v2
        try:
            found = await self._run(
                lambda: kv.list_secrets(f"{root}/{prefix}", mount_point=self._mount)
            )
        except exceptions.InvalidPath:
            return []
        paths: list[str] = []
        for key in found["data"]["keys"]:
            below = key.endswith("/")
            paths += await self._walk(root, prefix + key) if below else [prefix + key]
        return paths

    async def _run(self, request: Callable[[], _Result]) -> _Result:
        try:
            return await asyncio.to_thread(self._once_more_if_refused, request)
        except (exceptions.VaultDown, exceptions.RateLimitExceeded, requests.RequestException) as e:
            raise Temporary(f"secret store: {type(e).__name__}", delay=1.0) from e
        except exceptions.InvalidPath:
            raise
        except exceptions.VaultError as error:
            raise Permanent(f"secret store: {type(error).__name__}") from error

    def _once_more_if_refused(self, request: Callable[[], _Result]) -> _Result:
        try:
            return request()
        except (exceptions.Forbidden, exceptions.Unauthorized):
            renewed = self._token()
            if renewed == self._client.token:
                raise
            self._client.token = renewed
            return request()


def _where(tenant: TenantId, path: str) -> str:
    return f"tenants/{tenant}/{checked_path(tenant, path)}"


def _environment_token() -> str:
    file = os.environ.get("VAULT_TOKEN_FILE", "")
    if file:
        with open(file, encoding="utf-8") as handle:
            return handle.read().strip()
    token = os.environ.get("VAULT_TOKEN", "")
    if not token:
        raise ValueError("set VAULT_TOKEN_FILE or VAULT_TOKEN: Vault asks who is there")
    return token
