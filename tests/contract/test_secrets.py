"""What every secret store does. The Vault side runs where VAULT_ADDR and VAULT_TOKEN name one."""

import os
import secrets as randomness
from collections.abc import Iterator
from pathlib import Path

import pytest

from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.domain.ids import TenantId
from callfunnel.infra.sealed import SealedFolder
from callfunnel.infra.secrets import SecretMissing, Secrets, open_secrets
from callfunnel.infra.vault import VaultSecrets
from tests.simulators.vault_kv import VaultSimulator


class SecretsContract:
    @pytest.fixture
    def tenant(self) -> TenantId:
        return TenantId(f"t-{randomness.token_hex(6)}")

    async def test_what_was_put_is_what_one_gets(self, store: Secrets, tenant: TenantId) -> None:
        await store.put(tenant, "carriers/twilio", {"auth_token": "x", "name": "ü"})
        assert await store.get(tenant, "carriers/twilio") == {"auth_token": "x", "name": "ü"}

    async def test_versions_count_up(self, store: Secrets, tenant: TenantId) -> None:
        versions = [await store.put(tenant, "a", {"n": str(n)}) for n in range(3)]
        assert versions == [1, 2, 3]
        assert await store.get(tenant, "a") == {"n": "2"}

    async def test_a_missing_secret_is_said_to_be_missing(
        self, store: Secrets, tenant: TenantId
    ) -> None:
        with pytest.raises(SecretMissing):
            await store.get(tenant, "carriers/none")

    async def test_a_deleted_secret_is_missing_and_may_be_deleted_again(
        self, store: Secrets, tenant: TenantId
    ) -> None:
        await store.put(tenant, "a", {"k": "v"})
        await store.delete(tenant, "a")
        await store.delete(tenant, "a")
        with pytest.raises(SecretMissing):
            await store.get(tenant, "a")

    async def test_paths_are_listed_at_any_depth(self, store: Secrets, tenant: TenantId) -> None:
        for path in ("b", "a/one", "a/deep/two"):
            await store.put(tenant, path, {"k": "v"})
        assert await store.paths(tenant) == ["a/deep/two", "a/one", "b"]

    async def test_one_tenant_sees_nothing_of_another(
        self, store: Secrets, tenant: TenantId
    ) -> None:
        other = TenantId(f"{tenant}2")
        await store.put(tenant, "a", {"k": "v"})
        assert await store.paths(other) == []
        with pytest.raises(SecretMissing):
            await store.get(other, "a")

    async def test_an_erased_tenant_has_nothing(self, store: Secrets, tenant: TenantId) -> None:
        await store.put(tenant, "a/b", {"k": "v"})
        await store.erase(tenant)
        assert await store.paths(tenant) == []
        with pytest.raises(SecretMissing):
            await store.get(tenant, "a/b")

    async def test_a_path_that_would_leave_the_tenant_is_refused(
        self, store: Secrets, tenant: TenantId
    ) -> None:
        with pytest.raises(ValueError, match="secret path"):
            await store.get(tenant, "../other/a")


class TestSealedSecrets(SecretsContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Secrets:
        SealedFolder.create(tmp_path / "secrets")
        return open_secrets(f"local:{tmp_path / 'secrets'}")


class TestVaultSecretsOnASimulator(SecretsContract):
    @pytest.fixture
    def vault(self) -> Iterator[VaultSimulator]:
        simulator = VaultSimulator()
        yield simulator
        simulator.close()

    @pytest.fixture
    def store(
        self, vault: VaultSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Secrets]:
        file = tmp_path / "token"
        file.write_text(f"{vault.token}\n")
        monkeypatch.setenv("VAULT_TOKEN_FILE", str(file))
        opened = VaultSecrets.from_address(vault.url)
        yield opened
        opened.close()

    async def test_a_sealed_vault_is_a_temporary_trouble(
        self, store: Secrets, vault: VaultSimulator, tenant: TenantId
    ) -> None:
        vault.sealed = True
        with pytest.raises(Temporary):
            await store.get(tenant, "a")

    async def test_a_renewed_token_is_found_in_its_file(
        self, store: Secrets, vault: VaultSimulator, tenant: TenantId, tmp_path: Path
    ) -> None:
        vault.token = "renewed"
        with pytest.raises(Permanent) as refused:
            await store.put(tenant, "a", {"k": "open-sesame"})
        assert "open-sesame" not in str(refused.value)
        (tmp_path / "token").write_text("renewed")
        assert await store.put(tenant, "a", {"k": "v"}) == 1


@pytest.mark.skipif("VAULT_ADDR" not in os.environ, reason="VAULT_ADDR names no Vault")
class TestVaultSecrets(SecretsContract):
    @pytest.fixture
    def store(self) -> Secrets:
        return open_secrets(f"vault:{os.environ['VAULT_ADDR']}#secret")
