"""Who belongs to which tenant: one small port over Keycloak's groups and the local issuer's.

Membership is a group path (`principal.group_path`); a change counts in the tokens issued after it.
Every operation may be repeated: what is so already is no error.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

from callfunnel.auth.permissions import Role
from callfunnel.domain.ids import TenantId


class MemberKind(enum.StrEnum):
    USER = "user"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Member:
    """A person by user name, or a machine by client id."""

    kind: MemberKind
    name: str


class MemberUnknown(LookupError):
    """The directory has no such user or client."""


class TenantUnknown(LookupError):
    """The directory has no such tenant."""


class TenantDirectory(Protocol):
    """Tenants and their members. Raises Temporary when the directory does not answer."""

    async def add_tenant(self, tenant: TenantId) -> None:
        """Make the tenant with a group for every role."""
        ...

    async def remove_tenant(self, tenant: TenantId) -> None:
        """Remove the tenant and all memberships in it; users and clients stay."""
        ...

    async def tenants(self) -> list[TenantId]:
        """All tenants, sorted."""
        ...

    async def add_user(self, name: str, password: str) -> None:
        """Make a user, or give a known one a new password."""
        ...

    async def add_service(self, name: str) -> str:
        """Make a confidential client for client credentials, or renew its secret; the secret."""
        ...

    async def remove(self, member: Member) -> None:
        """Remove the user or client with all its memberships."""
        ...

    async def grant(self, tenant: TenantId, role: Role, member: Member) -> None:
        """Give `role`. Raises TenantUnknown, MemberUnknown."""
        ...

    async def revoke(self, tenant: TenantId, role: Role, member: Member) -> None:
        """Take `role` away."""
        ...

    async def members(self, tenant: TenantId) -> dict[Member, frozenset[Role]]:
        """Everybody with at least one role in the tenant."""
        ...
