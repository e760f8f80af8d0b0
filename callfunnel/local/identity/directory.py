"""`TenantDirectory` over the local issuer's own records in the sealed store."""

from __future__ import annotations

import secrets

from callfunnel.auth.directory import Member, MemberKind, MemberUnknown, TenantUnknown
from callfunnel.auth.permissions import Role
from callfunnel.auth.principal import group_path
from callfunnel.domain.ids import PLATFORM, TenantId, tenant_id
from callfunnel.infra.sealed import SealedFolder
from callfunnel.local.identity.identities import Identities, Identity

_TENANTS = "issuer/tenants"
_KINDS = {MemberKind.USER: "users", MemberKind.SERVICE: "clients"}
_SERVICE_TOKEN_S = 300


class LocalDirectory:
    """Tenants, users and clients of one home. The issuer sees a change at its next token."""

    def __init__(self, store: SealedFolder) -> None:
        self._store = store
        self._identities = Identities(store)

    async def add_tenant(self, tenant: TenantId) -> None:
        self._store.put(PLATFORM, f"{_TENANTS}/{tenant_id(tenant)}", {"tenant": tenant})

    async def remove_tenant(self, tenant: TenantId) -> None:
        own = {group_path(tenant, role) for role in Role}
        for kind, identity in self._everybody():
            self._regroup(kind, identity, set(identity.groups) - own)
        self._store.delete(PLATFORM, f"{_TENANTS}/{tenant_id(tenant)}")

    async def tenants(self) -> list[TenantId]:
        prefix = f"{_TENANTS}/"
        paths = self._store.paths(PLATFORM)
        return sorted(TenantId(p.removeprefix(prefix)) for p in paths if p.startswith(prefix))

    async def add_user(self, name: str, password: str) -> None:
        known = self._identities.user(name)
        self._identities.add_user(name, password, known.groups if known else ())

    async def add_service(self, name: str) -> str:
        known = self._identities.client(name)
        secret = secrets.token_urlsafe(24)
        groups = known.groups if known else ()
        self._identities.add_client(
            name, secret, groups, known.token_s if known else _SERVICE_TOKEN_S
        )
        return secret

    async def remove(self, member: Member) -> None:
        self._identities.remove(_KINDS[member.kind], member.name)

    async def grant(self, tenant: TenantId, role: Role, member: Member) -> None:
        if tenant not in await self.tenants():
            raise TenantUnknown(tenant)
        identity = self._identity(member)
        if identity is None:
            raise MemberUnknown(member.name)
        self._regroup(member.kind, identity, {*identity.groups, group_path(tenant, role)})

    async def revoke(self, tenant: TenantId, role: Role, member: Member) -> None:
        identity = self._identity(member)
        if identity is not None:
            self._regroup(member.kind, identity, set(identity.groups) - {group_path(tenant, role)})

    async def members(self, tenant: TenantId) -> dict[Member, frozenset[Role]]:
        paths = {group_path(tenant, role): role for role in Role}
        found = {
            Member(kind, identity.name): frozenset(
                paths[group] for group in identity.groups if group in paths
            )
            for kind, identity in self._everybody()
        }
        return {member: roles for member, roles in found.items() if roles}

    def _identity(self, member: Member) -> Identity | None:
        if member.kind is MemberKind.USER:
            return self._identities.user(member.name)
        return self._identities.client(member.name)

    def _everybody(self) -> list[tuple[MemberKind, Identity]]:
        users = [(MemberKind.USER, user) for user in self._identities.users()]
        return users + [(MemberKind.SERVICE, client) for client in self._identities.clients()]

    def _regroup(self, kind: MemberKind, identity: Identity, groups: set[str]) -> None:
        if groups != set(identity.groups):
            self._identities.regroup(_KINDS[kind], identity.name, groups)
