"""`TenantDirectory` over Keycloak's admin API: groups `/tenants/<tenant>/<role>` in one realm.

The only module that knows python-keycloak. Its client blocks, so each operation runs in a thread.
The realm needs a group-membership mapper with full paths and an audience mapper in a default
client scope; the admin client's service account needs realm-management's manage-users,
manage-clients and query-groups.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from keycloak import KeycloakAdmin
from keycloak.exceptions import KeycloakConnectionError, KeycloakError, KeycloakGetError

from callfunnel.auth.directory import Member, MemberKind, MemberUnknown, TenantUnknown
from callfunnel.auth.permissions import Role
from callfunnel.auth.principal import group_path
from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.domain.ids import TenantId, tenant_id

_ROOT = "tenants"
_SERVICE_ACCOUNT = "service-account-"
_PAGE = 100
_SCOPE = "callfunnel"
_GROUPS = {
    "protocolMapper": "oidc-group-membership-mapper",
    "claim.name": "groups",
    "full.path": "true",  # without it two tenants' `operator` groups are the same text
    "access.token.claim": "true",
    "introspection.token.claim": "true",
}
_AUDIENCE = {"protocolMapper": "oidc-audience-mapper", "access.token.claim": "true"}
_Result = TypeVar("_Result")


class KeycloakDirectory:
    """Tenants and members of one realm, through an admin client made by the composition root."""

    def __init__(self, admin: KeycloakAdmin) -> None:
        self._admin = admin

    async def prepare_realm(self, audience: str) -> None:
        """Make every token of the realm carry full group paths and our audience; repeatable."""
        await self._run(lambda: self._prepare_realm(audience))

    async def add_tenant(self, tenant: TenantId) -> None:
        await self._run(lambda: self._add_tenant(tenant_id(tenant)))

    async def remove_tenant(self, tenant: TenantId) -> None:
        def remove() -> None:
            group = self._group(f"/{_ROOT}/{tenant_id(tenant)}")
            if group is not None:
                self._admin.delete_group(group)

        await self._run(remove)

    async def tenants(self) -> list[TenantId]:
        return await self._run(lambda: sorted(map(TenantId, self._children(f"/{_ROOT}"))))

    async def add_user(self, name: str, password: str) -> None:
        def add() -> None:
            user = self._admin.create_user({"username": name, "enabled": True}, exist_ok=True)
            self._admin.set_user_password(user, password, temporary=False)

        await self._run(add)

    async def add_service(self, name: str) -> str:
        payload = {
            "clientId": name,
            "serviceAccountsEnabled": True,
            "standardFlowEnabled": False,
            "publicClient": False,
        }

        def add() -> str:
            client = self._admin.create_client(payload, skip_exists=True)
            return str(self._admin.generate_client_secrets(client)["value"])

        return await self._run(add)

    async def remove(self, member: Member) -> None:
        def remove() -> None:
            if member.kind is MemberKind.USER:
                user = self._admin.get_user_id(member.name)
                if user is not None:
                    self._admin.delete_user(user)
            else:
                client = self._admin.get_client_id(member.name)
                if client is not None:
                    self._admin.delete_client(client)

        await self._run(remove)

    async def grant(self, tenant: TenantId, role: Role, member: Member) -> None:
        def grant() -> None:
            group = self._group(group_path(tenant_id(tenant), role))
            if group is None:
                raise TenantUnknown(tenant)
            user = self._user(member)
            if user is None:
                raise MemberUnknown(member.name)
            self._admin.group_user_add(user, group)

        await self._run(grant)

    async def revoke(self, tenant: TenantId, role: Role, member: Member) -> None:
        def revoke() -> None:
            group, user = self._group(group_path(tenant_id(tenant), role)), self._user(member)
            if group is not None and user is not None:
                self._admin.group_user_remove(user, group)

        await self._run(revoke)

    async def members(self, tenant: TenantId) -> dict[Member, frozenset[Role]]:
        return await self._run(lambda: self._members(tenant_id(tenant)))

    def _prepare_realm(self, audience: str) -> None:
        mappers = [_mapper("groups", _GROUPS), _mapper("audience", _AUDIENCE | _included(audience))]
        scope = {"name": _SCOPE, "protocol": "openid-connect", "protocolMappers": mappers}
        made = self._admin.create_client_scope(scope, skip_exists=True)
        given = {each["id"] for each in self._admin.get_default_default_client_scopes()}
        if made not in given:
            self._admin.add_default_default_client_scope(made)

    def _add_tenant(self, tenant: TenantId) -> None:
        root = self._admin.create_group({"name": _ROOT}, skip_exists=True)
        root = root or self._group(f"/{_ROOT}")
        own = self._admin.create_group({"name": tenant}, parent=root, skip_exists=True)
        own = own or self._group(f"/{_ROOT}/{tenant}")
        for role in Role:
            self._admin.create_group({"name": role.value}, parent=own, skip_exists=True)

    def _members(self, tenant: TenantId) -> dict[Member, frozenset[Role]]:
        found: dict[Member, set[Role]] = {}
        for role in Role:
            group = self._group(group_path(tenant, role))
            for user in self._users_of(group) if group else []:
                found.setdefault(_member(user["username"]), set()).add(role)
        return {member: frozenset(roles) for member, roles in found.items()}

    def _users_of(self, group: str) -> list[dict[str, Any]]:
        users: list[dict[str, Any]] = []
        while True:
            page = self._admin.get_group_members(group, {"first": len(users), "max": _PAGE})
            users += page
            if len(page) < _PAGE:
                return users

    def _children(self, path: str) -> list[str]:
        group = self._group(path)
        if group is None:
            return []
        return [child["name"] for child in self._admin.get_group_children(group)]

    def _group(self, path: str) -> str | None:
        try:
            return str(self._admin.get_group_by_path(path)["id"])
        except KeycloakGetError as error:
            if error.response_code == 404:
                return None
            raise

    def _user(self, member: Member) -> str | None:
        if member.kind is MemberKind.USER:
            return self._admin.get_user_id(member.name)
        client = self._admin.get_client_id(member.name)
        if client is None:
            return None
        return str(self._admin.get_client_service_account_user(client)["id"])

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        try:
            return await asyncio.to_thread(work)
        except KeycloakConnectionError as error:
            raise Temporary("identity provider: no connection", delay=1.0) from error
        except KeycloakError as error:
            if (error.response_code or 500) >= 500:
                raise Temporary(f"identity provider: {error.response_code}", delay=1.0) from error
            raise Permanent(f"identity provider: {error.response_code}") from error


def _included(audience: str) -> dict[str, str]:
    return {"included.custom.audience": audience}


def _mapper(name: str, config: dict[str, str]) -> dict[str, Any]:
    kind = config["protocolMapper"]
    rest = {key: value for key, value in config.items() if key != "protocolMapper"}
    return {
        "name": name,
        "protocol": "openid-connect",
        "protocolMapper": kind,
        "config": rest,
    }


def _member(username: str) -> Member:
    if username.startswith(_SERVICE_ACCOUNT):
        return Member(MemberKind.SERVICE, username.removeprefix(_SERVICE_ACCOUNT))
    return Member(MemberKind.USER, username)
