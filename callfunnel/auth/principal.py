"""Who a valid token speaks for: subject, and roles per tenant by exact group path.

`/tenants/acme/operator` is the only spelling that counts: another depth, another case, a role
that does not exist or a tenant that is no slug gives nothing. So `/tenants/acme2/...` is never
`acme`, and a group made up elsewhere in the directory opens no door here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from callfunnel.auth.permissions import Permission, PlatformRole, Role, permitted
from callfunnel.domain.errors import InvalidToken
from callfunnel.domain.ids import TenantId, tenant_id


@dataclass(frozen=True, slots=True)
class Principal:
    """`subject` is stable and opaque; `name` is for audit lines; `expires_at` is unix seconds."""

    subject: str
    name: str
    client: str
    session: str
    expires_at: int
    roles: Mapping[TenantId, frozenset[Role]]
    platform: frozenset[PlatformRole] = frozenset()

    @property
    def tenants(self) -> tuple[TenantId, ...]:
        return tuple(sorted(self.roles))

    def may(self, tenant: TenantId, permission: Permission) -> bool:
        return permission in permitted(self.roles.get(tenant, ()))


def principal_of(claims: Mapping[str, Any]) -> Principal:
    """The principal of verified claims."""
    groups = claims.get("groups")
    paths = [path for path in groups if isinstance(path, str)] if isinstance(groups, list) else []
    return Principal(
        subject=str(claims["sub"]),
        name=str(claims.get("preferred_username") or claims.get("azp") or claims["sub"]),
        client=str(claims.get("azp", "")),
        session=str(claims.get("sid") or claims.get("jti") or ""),
        expires_at=int(claims["exp"]),
        roles=MappingProxyType(_tenant_roles(paths)),
        platform=frozenset(_platform_roles(paths)),
    )


def group_path(tenant: TenantId, role: Role) -> str:
    """The one path that gives `role` in `tenant`."""
    return f"/tenants/{tenant}/{role.value}"


def _tenant_roles(paths: list[str]) -> dict[TenantId, frozenset[Role]]:
    found: dict[TenantId, set[Role]] = {}
    for path in paths:
        match path.split("/"):
            case ["", "tenants", tenant, role] if _is_tenant(tenant) and role in set(Role):
                found.setdefault(TenantId(tenant), set()).add(Role(role))
            case _:
                continue
    return {tenant: frozenset(roles) for tenant, roles in found.items()}


def _platform_roles(paths: list[str]) -> set[PlatformRole]:
    return {role for role in PlatformRole if f"/platform/{role.value}" in paths}


def _is_tenant(text: str) -> bool:
    try:
        tenant_id(text)
    except InvalidToken:
        return False
    return True
