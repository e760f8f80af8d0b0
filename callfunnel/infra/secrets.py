"""Where credentials live: one small port over the sealed local store and Vault.

A secret is a flat dict of strings under (tenant, path). `PLATFORM` is the reserved tenant that
holds the platform's own credentials: `nats/<role>`, `postgres/<role>`, `objects/<role>`,
`oidc/<service>`, `jetstream/key`. Values never appear in a log line or an exception.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from callfunnel.domain.ids import PLATFORM, TenantId

__all__ = ["PLATFORM", "SecretMissing", "Secrets", "open_secrets"]

_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}){0,7}")
_TENANT = re.compile(r"_platform|[a-z0-9][a-z0-9-]{0,39}")


class SecretMissing(LookupError):
    """Nothing is stored under that tenant and path."""

    def __init__(self, tenant: TenantId, path: str) -> None:
        super().__init__(f"no secret at {tenant}:{path}")


class Secrets(Protocol):
    """Read, write and forget secrets of one tenant at a time.

    `get` raises SecretMissing. `put` returns the new version, counted from 1 per path. `delete`
    of a path that does not exist is no error. `erase` makes every secret of the tenant
    unreadable for good, copies and backups of the store included.
    """

    async def get(self, tenant: TenantId, path: str) -> dict[str, str]: ...

    async def put(self, tenant: TenantId, path: str, value: Mapping[str, str]) -> int: ...

    async def delete(self, tenant: TenantId, path: str) -> None: ...

    async def paths(self, tenant: TenantId) -> list[str]: ...

    async def erase(self, tenant: TenantId) -> None: ...


def checked_path(tenant: TenantId, path: str) -> str:
    """`path` itself when both names are safe in a file name and a URL, else ValueError."""
    checked_tenant(tenant)
    if not _PATH.fullmatch(path):
        raise ValueError(f"secret path {path!r}: words of [A-Za-z0-9_.-] joined by /")
    return path


def checked_tenant(tenant: TenantId) -> str:
    if not _TENANT.fullmatch(tenant):
        raise ValueError(f"secret tenant {tenant!r} is no tenant id")
    return tenant


def open_secrets(address: str) -> Secrets:
    """The store at CALLFUNNEL_SECRETS: `local:<folder>` or `vault:<url>[#<mount>]`."""
    kind, _, where = address.partition(":")
    if kind == "local" and where:
        from pathlib import Path

        from callfunnel.infra.sealed import SealedSecrets

        return SealedSecrets.open(Path(where))
    if kind == "vault" and where:
        from callfunnel.infra.vault import VaultSecrets

        return VaultSecrets.from_address(where)
    raise ValueError(f"CALLFUNNEL_SECRETS={address!r}: use local:<folder> or vault:<url>[#<mount>]")
