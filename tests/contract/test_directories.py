"""What every tenant directory does. Keycloak's side runs where CALLFUNNEL_TEST_KEYCLOAK names one
(its address; realm `callfunnel`, admin client in CALLFUNNEL_TEST_KEYCLOAK_CLIENT and _SECRET)."""

import os
import secrets as randomness
from pathlib import Path

import pytest
from keycloak import KeycloakAdmin

from callfunnel.auth.directory import (
    Member,
    MemberKind,
    MemberUnknown,
    TenantDirectory,
    TenantUnknown,
)
from callfunnel.auth.permissions import Role
from callfunnel.domain.ids import TenantId
from callfunnel.infra.keycloak import KeycloakDirectory
from callfunnel.infra.oidc import request_token, verifier_of
from callfunnel.infra.sealed import SealedFolder
from callfunnel.local.identity.directory import LocalDirectory

AUDIENCE = "callfunnel-api"


class DirectoryContract:
    @pytest.fixture
    def tenant(self) -> TenantId:
        return TenantId(f"t-{randomness.token_hex(6)}")

    @pytest.fixture
    def ada(self) -> Member:
        return Member(MemberKind.USER, f"ada-{randomness.token_hex(4)}")

    @pytest.fixture
    def robot(self) -> Member:
        return Member(MemberKind.SERVICE, f"robot-{randomness.token_hex(4)}")

    async def test_a_tenant_is_there_once(
        self, directory: TenantDirectory, tenant: TenantId
    ) -> None:
        await directory.add_tenant(tenant)
        await directory.add_tenant(tenant)
        assert (await directory.tenants()).count(tenant) == 1
        assert await directory.members(tenant) == {}

    async def test_members_have_the_roles_they_were_given(
        self, directory: TenantDirectory, tenant: TenantId, ada: Member, robot: Member
    ) -> None:
        await directory.add_tenant(tenant)
        await directory.add_user(ada.name, "correct horse battery")
        await directory.add_service(robot.name)
        await directory.grant(tenant, Role.VIEWER, ada)
        await directory.grant(tenant, Role.APPROVER, ada)
        await directory.grant(tenant, Role.APPROVER, ada)
        await directory.grant(tenant, Role.SERVICE, robot)
        assert await directory.members(tenant) == {
            ada: {Role.VIEWER, Role.APPROVER},
            robot: {Role.SERVICE},
        }
        await directory.revoke(tenant, Role.APPROVER, ada)
        await directory.revoke(tenant, Role.APPROVER, ada)
        assert (await directory.members(tenant))[ada] == {Role.VIEWER}

    async def test_a_tenant_whose_name_begins_alike_is_another(
        self, directory: TenantDirectory, tenant: TenantId, ada: Member
    ) -> None:
        alike = TenantId(f"{tenant}2")
        await directory.add_tenant(tenant)
        await directory.add_tenant(alike)
        await directory.add_user(ada.name, "correct horse battery")
        await directory.grant(alike, Role.ADMIN, ada)
        assert await directory.members(tenant) == {}
        await directory.remove_tenant(tenant)
        assert await directory.members(alike) == {ada: {Role.ADMIN}}

    async def test_strangers_are_named(
        self, directory: TenantDirectory, tenant: TenantId, ada: Member
    ) -> None:
        await directory.add_user(ada.name, "correct horse battery")
        with pytest.raises(TenantUnknown):
            await directory.grant(tenant, Role.VIEWER, ada)
        await directory.add_tenant(tenant)
        with pytest.raises(MemberUnknown):
            await directory.grant(tenant, Role.VIEWER, Member(MemberKind.USER, "nobody-here"))

    async def test_removing_leaves_nothing_and_may_be_repeated(
        self, directory: TenantDirectory, tenant: TenantId, ada: Member
    ) -> None:
        await directory.add_tenant(tenant)
        await directory.add_user(ada.name, "correct horse battery")
        await directory.grant(tenant, Role.VIEWER, ada)
        await directory.remove(ada)
        await directory.remove(ada)
        assert await directory.members(tenant) == {}
        await directory.remove_tenant(tenant)
        await directory.remove_tenant(tenant)
        assert tenant not in await directory.tenants()


class TestLocalDirectory(DirectoryContract):
    @pytest.fixture
    def directory(self, tmp_path: Path) -> TenantDirectory:
        return LocalDirectory(SealedFolder.create(tmp_path / "secrets"))


@pytest.mark.skipif("CALLFUNNEL_TEST_KEYCLOAK" not in os.environ, reason="no Keycloak is named")
class TestKeycloakDirectory(DirectoryContract):
    @pytest.fixture
    async def directory(self) -> TenantDirectory:
        admin = KeycloakAdmin(
            server_url=os.environ["CALLFUNNEL_TEST_KEYCLOAK"],
            realm_name="callfunnel",
            client_id=os.environ["CALLFUNNEL_TEST_KEYCLOAK_CLIENT"],
            client_secret_key=os.environ["CALLFUNNEL_TEST_KEYCLOAK_SECRET"],
        )
        directory = KeycloakDirectory(admin)
        await directory.prepare_realm(AUDIENCE)
        await directory.prepare_realm(AUDIENCE)
        return directory

    async def test_a_token_of_keycloak_opens_exactly_its_tenant(
        self, directory: TenantDirectory, tenant: TenantId, robot: Member
    ) -> None:
        issuer = f"{os.environ['CALLFUNNEL_TEST_KEYCLOAK'].rstrip('/')}/realms/callfunnel"
        await directory.add_tenant(tenant)
        secret = await directory.add_service(robot.name)
        await directory.grant(tenant, Role.VIEWER, robot)
        form = {"grant_type": "client_credentials", "client_id": robot.name}
        granted = await request_token(issuer, {**form, "client_secret": secret})
        principal = await verifier_of(issuer, AUDIENCE).verify(granted.access_token)
        assert principal.roles == {tenant: {Role.VIEWER}}
