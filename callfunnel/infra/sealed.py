"""The sealed local secret store: a folder of AES-256-GCM files, the embedded twin of Vault.

    master.key              32 bytes, 0600; refused when anybody else may read it
    <tenant>/.key           the tenant's data key, wrapped by the master key
    <tenant>/<path>.sealed  magic, version, nonce, ciphertext; bound to tenant|path|version

Every write goes to a new file that is synced and renamed, under a lock between processes, so a
reader sees the old or the new version whole. Dropping `.key` erases the tenant. It does not
protect from someone who may read the folder as its owner, nor from putting an old file back.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from callfunnel.domain.errors import UserError
from callfunnel.domain.ids import TenantId
from callfunnel.infra.secrets import SecretMissing, checked_path, checked_tenant

_MAGIC = b"CFS1"
_HEADER = struct.Struct(">4sQ12s")
_KEY_VERSION = 0


class SealedFolder:
    """The store without an event loop: for the supervisor and other plain code.

    Raises UserError when the folder or a file in it is damaged or readable by others.
    """

    def __init__(self, folder: Path, master: bytes) -> None:
        self._folder = folder
        self._master = master

    @classmethod
    def create(cls, folder: Path) -> SealedFolder:
        """Open the store, making folder and master key when there is none yet."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / "master.key").exists():
            if any(folder.glob("*/.key")):
                raise UserError(
                    f"the master key {folder / 'master.key'} is gone",
                    "restore it from a backup, or start with a new home folder",
                )
            write_private(folder / "master.key", os.urandom(32))
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> SealedFolder:
        return cls(folder, _master_key(folder / "master.key"))

    def get(self, tenant: TenantId, path: str) -> dict[str, str]:
        data = _read(self._file(tenant, path))
        key = self._data_key(tenant)
        if data is None or key is None:
            raise SecretMissing(tenant, path)
        body = _open(key, f"{tenant}|{path}", data, self._file(tenant, path))
        value: dict[str, str] = json.loads(body)
        return value

    def put(self, tenant: TenantId, path: str, value: Mapping[str, str]) -> int:
        file = self._file(tenant, path)
        with self._locked():
            version = 1 + _version(_read(file), file)
            key = self._data_key(tenant) or self._new_data_key(tenant)
            body = json.dumps(dict(value), sort_keys=True).encode()
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(file, _seal(key, f"{tenant}|{path}", version, body))
        return version

    def delete(self, tenant: TenantId, path: str) -> None:
        with self._locked():
            self._file(tenant, path).unlink(missing_ok=True)

    def paths(self, tenant: TenantId) -> list[str]:
        root = self._folder / checked_tenant(tenant)
        files = root.rglob("*.sealed")
        return sorted(str(file.relative_to(root).with_suffix("")) for file in files)

    def erase(self, tenant: TenantId) -> None:
        root = self._folder / checked_tenant(tenant)
        with self._locked():
            (root / ".key").unlink(missing_ok=True)
            shutil.rmtree(root, ignore_errors=True)

    def _file(self, tenant: TenantId, path: str) -> Path:
        return self._folder / tenant / f"{checked_path(tenant, path)}.sealed"

    def _data_key(self, tenant: TenantId) -> bytes | None:
        file = self._folder / checked_tenant(tenant) / ".key"
        wrapped = _read(file)
        return None if wrapped is None else _open(self._master, f"{tenant}|.key", wrapped, file)

    def _new_data_key(self, tenant: TenantId) -> bytes:
        key = os.urandom(32)
        root = self._folder / checked_tenant(tenant)
        root.mkdir(mode=0o700, exist_ok=True)
        write_private(root / ".key", _seal(self._master, f"{tenant}|.key", _KEY_VERSION, key))
        return key

    @contextmanager
    def _locked(self) -> Iterator[None]:
        handle = os.open(self._folder / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


class SealedSecrets:
    """`Secrets` over a SealedFolder; each operation is one small file, so it runs in place."""

    def __init__(self, folder: SealedFolder) -> None:
        self._folder = folder

    @classmethod
    def open(cls, folder: Path) -> SealedSecrets:
        return cls(SealedFolder.open(folder))

    async def get(self, tenant: TenantId, path: str) -> dict[str, str]:
        return self._folder.get(tenant, path)

    async def put(self, tenant: TenantId, path: str, value: Mapping[str, str]) -> int:
        return self._folder.put(tenant, path, value)

    async def delete(self, tenant: TenantId, path: str) -> None:
        self._folder.delete(tenant, path)

    async def paths(self, tenant: TenantId) -> list[str]:
        return self._folder.paths(tenant)

    async def erase(self, tenant: TenantId) -> None:
        self._folder.erase(tenant)


def write_private(file: Path, data: bytes) -> None:
    """Replace `file` by `data` whole or not at all; 0600, synced to the disk."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.new")
    handle = os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(file)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(file.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _master_key(file: Path) -> bytes:
    try:
        mode = file.stat().st_mode
        key = file.read_bytes()
    except OSError as error:
        raise UserError(
            f"the secret store's key {file} cannot be read ({error.strerror})",
            "give the right home folder, or run as the user who made it",
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UserError(f"{file} may be read by other users", f"chmod 600 {file}")
    if len(key) != 32:
        raise UserError(f"{file} is damaged", "restore it from a backup, or start with a new home")
    return key


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _version(data: bytes | None, file: Path) -> int:
    if data is None:
        return 0
    if len(data) < _HEADER.size or data[:4] != _MAGIC:
        raise _damaged(file)
    return int(_HEADER.unpack_from(data)[1])


def _seal(key: bytes, name: str, version: int, body: bytes) -> bytes:
    nonce = os.urandom(12)
    sealed = AESGCM(key).encrypt(nonce, body, f"{name}|{version}".encode())
    return _HEADER.pack(_MAGIC, version, nonce) + sealed


def _open(key: bytes, name: str, data: bytes, file: Path) -> bytes:
    version = _version(data, file)
    nonce = _HEADER.unpack_from(data)[2]
    try:
        return AESGCM(key).decrypt(nonce, data[_HEADER.size :], f"{name}|{version}".encode())
    except InvalidTag as error:
        raise _damaged(file) from error


def _damaged(file: Path) -> UserError:
    return UserError(
        f"the secret file {file} is damaged or belongs to another place",
        "restore it from a backup, or delete it and store the secret again",
    )
