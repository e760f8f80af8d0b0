from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from callfunnel.domain.errors import UserError
from callfunnel.domain.ids import PLATFORM, TenantId
from callfunnel.infra.sealed import SealedFolder
from callfunnel.infra.secrets import SecretMissing

ACME, BETA = TenantId("acme"), TenantId("beta")


@pytest.fixture
def store(tmp_path: Path) -> SealedFolder:
    return SealedFolder.create(tmp_path / "secrets")


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_values_names_and_keys_are_not_in_the_files_in_the_clear(
    store: SealedFolder, tmp_path: Path
) -> None:
    store.put(ACME, "carriers/twilio", {"auth_token": "open-sesame"})
    assert b"open-sesame" not in everything_in(tmp_path)
    assert b"auth_token" not in everything_in(tmp_path)


def test_every_file_is_private(store: SealedFolder, tmp_path: Path) -> None:
    store.put(ACME, "carriers/twilio", {"a": "b"})
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    assert {file.stat().st_mode & 0o077 for file in files} == {0}


def test_a_store_that_others_may_read_is_refused(store: SealedFolder, tmp_path: Path) -> None:
    assert store.paths(PLATFORM) == []
    (tmp_path / "secrets" / "master.key").chmod(0o640)
    with pytest.raises(UserError, match="chmod 600"):
        SealedFolder.open(tmp_path / "secrets")


def test_a_lost_master_key_is_not_replaced_by_a_new_one(
    store: SealedFolder, tmp_path: Path
) -> None:
    store.put(ACME, "a", {"k": "v"})
    (tmp_path / "secrets" / "master.key").unlink()
    with pytest.raises(UserError, match="is gone"):
        SealedFolder.create(tmp_path / "secrets")


@pytest.mark.parametrize("damage", [b"", b"CFS1", b"\0" * 64, b"text of some editor" * 5])
def test_a_damaged_file_is_one_clear_error(
    store: SealedFolder, tmp_path: Path, damage: bytes
) -> None:
    store.put(ACME, "a", {"k": "v"})
    (tmp_path / "secrets" / "acme" / "a.sealed").write_bytes(damage)
    with pytest.raises(UserError, match="damaged"):
        store.get(ACME, "a")


def test_one_flipped_bit_is_noticed(store: SealedFolder, tmp_path: Path) -> None:
    store.put(ACME, "a", {"k": "v"})
    file = tmp_path / "secrets" / "acme" / "a.sealed"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        store.get(ACME, "a")


def test_a_secret_does_not_open_in_another_place(store: SealedFolder, tmp_path: Path) -> None:
    store.put(ACME, "a", {"k": "v"})
    store.put(ACME, "b", {"k": "w"})
    folder = tmp_path / "secrets" / "acme"
    (folder / "b.sealed").write_bytes((folder / "a.sealed").read_bytes())
    with pytest.raises(UserError, match="belongs to another place"):
        store.get(ACME, "b")


def test_one_tenants_data_key_does_not_open_for_another(
    store: SealedFolder, tmp_path: Path
) -> None:
    store.put(ACME, "a", {"k": "v"})
    store.put(BETA, "a", {"k": "w"})
    folder = tmp_path / "secrets"
    (folder / "beta" / ".key").write_bytes((folder / "acme" / ".key").read_bytes())
    with pytest.raises(UserError, match="damaged"):
        store.get(BETA, "a")


def test_an_erased_tenants_copy_cannot_be_read_any_more(
    store: SealedFolder, tmp_path: Path
) -> None:
    store.put(ACME, "a", {"k": "v"})
    file = tmp_path / "secrets" / "acme" / "a.sealed"
    backup = file.read_bytes()
    store.erase(ACME)
    store.put(ACME, "other", {"k": "new"})
    file.write_bytes(backup)
    with pytest.raises(UserError, match="damaged"):
        store.get(ACME, "a")


@pytest.mark.parametrize("path", ["../beta/a", "/etc/passwd", "a//b", ".key", "a/.key", "", "a/.."])
def test_a_path_stays_in_its_tenants_folder(store: SealedFolder, path: str) -> None:
    with pytest.raises(ValueError, match="secret path"):
        store.put(ACME, path, {"k": "v"})


@pytest.mark.parametrize("tenant", ["..", "Acme", "_other", "a/b", ""])
def test_a_tenant_is_a_tenant_id(store: SealedFolder, tenant: str) -> None:
    with pytest.raises(ValueError, match="no tenant id"):
        store.get(TenantId(tenant), "a")


def test_writers_at_once_each_get_a_version_of_their_own(tmp_path: Path) -> None:
    SealedFolder.create(tmp_path)

    def write(number: int) -> int:
        return SealedFolder.open(tmp_path).put(ACME, "a", {"n": str(number)})

    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(write, range(40)))
    assert sorted(versions) == list(range(1, 41))


def test_a_missing_secret_is_missing_and_not_damaged(store: SealedFolder) -> None:
    with pytest.raises(SecretMissing, match="acme:nothing"):
        store.get(ACME, "nothing")
