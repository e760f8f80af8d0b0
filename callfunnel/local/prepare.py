"""The step between services that run and a product that can use them; repeated at every start.

Waits for each service by doing a real operation on it, as its owner: roles, database and
migrations; streams and buckets of the bus; the object bucket, with an encrypted object written
and read back. Seeds the demo tenant. Then leaves the file that the product waits for.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import nats
import urllib3
from minio.error import MinioException
from minio.sse import SseS3

from callfunnel.domain.errors import Permanent, Temporary, UserError
from callfunnel.domain.ids import PLATFORM
from callfunnel.infra.migrate import migrate
from callfunnel.infra.objects import minio_client
from callfunnel.infra.postgres import conninfo
from callfunnel.infra.roles import ROLES, create_database
from callfunnel.infra.secrets import Secrets, open_secrets
from callfunnel.infra.settings import PlatformSettings
from callfunnel.local.demo.seed import seed

_PATIENCE_S = 60.0
_PAUSE_S = 0.05
_PROBE = "_probe/sealed"
_Result = TypeVar("_Result")


async def prepare(settings: PlatformSettings, secrets: Secrets) -> None:
    """Make every service ready for the product. Raises UserError saying which would not be."""
    await asyncio.gather(
        _until_it_works("Postgres", lambda: database(settings, secrets)),
        _until_it_works("NATS", lambda: bus(settings, secrets)),
        _until_it_works("the object store", lambda: bucket(settings, secrets)),
    )


async def database(settings: PlatformSettings, secrets: Secrets) -> None:
    """Roles, database, migrations and the demo tenant."""
    superuser = await conninfo(settings, "superuser", secrets)
    passwords = {
        role: (await secrets.get(PLATFORM, f"postgres/{role}"))["password"] for role in ROLES
    }
    await asyncio.to_thread(create_database, superuser, passwords)
    owner = await conninfo(settings, "owner", secrets)
    await asyncio.to_thread(migrate, owner)
    await seed(settings, secrets)


async def bus(settings: PlatformSettings, secrets: Secrets) -> None:
    """Streams and key-value buckets, created or brought up to date."""
    user = await secrets.get(PLATFORM, "nats/supervisor")
    try:
        connection = await nats.connect(
            settings.nats_url,
            user=user["user"],
            password=user["password"],
            allow_reconnect=False,
            connect_timeout=2,
        )
    except (OSError, nats.errors.Error) as error:
        raise Temporary(f"bus: {type(error).__name__}") from error
    try:
        await importlib.import_module("callfunnel.infra.provision").provision(connection)
    except (OSError, nats.errors.Error) as error:
        raise Temporary(f"bus: {type(error).__name__} {error}") from error
    finally:
        await connection.close()


async def bucket(settings: PlatformSettings, secrets: Secrets) -> None:
    """The bucket, and proof that the store keeps and returns an encrypted object."""
    keys = await secrets.get(PLATFORM, "objects/owner")
    await asyncio.to_thread(_bucket, settings, keys["access_key"], keys["secret_key"])


def _bucket(settings: PlatformSettings, access_key: str, secret_key: str) -> None:
    client, name = (
        minio_client(settings.objects_url, access_key, secret_key),
        settings.objects_bucket,
    )
    try:
        if not client.bucket_exists(name):
            client.make_bucket(name)
        client.put_object(name, _PROBE, io.BytesIO(b"sealed"), 6, sse=SseS3())
        response = client.get_object(name, _PROBE)
        if response.data != b"sealed":
            raise Permanent("the object store returned something else than was stored")
        client.remove_object(name, _PROBE)
    except (MinioException, urllib3.exceptions.HTTPError) as error:
        raise Temporary(f"object store: {type(error).__name__}") from error


async def _until_it_works(name: str, work: Callable[[], Awaitable[_Result]]) -> _Result:
    started = time.monotonic()
    deadline = started + _PATIENCE_S
    while True:
        try:
            result = await work()
            print(f"{name} is prepared after {time.monotonic() - started:.1f} s", flush=True)
            return result
        except Temporary as error:
            if time.monotonic() > deadline:
                raise UserError(f"{name} is not ready: {error.reason}") from error
            await asyncio.sleep(_PAUSE_S)
        except Permanent as error:
            raise UserError(f"{name} cannot be prepared: {error.reason}") from error


def main(argv: list[str], environment: dict[str, str]) -> int:
    marker = Path(argv[0]) / "prepared"
    settings = PlatformSettings.from_env(environment)
    try:
        asyncio.run(prepare(settings, open_secrets(settings.secrets)))
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    marker.touch()
    return 0


if __name__ == "__main__":
    import os

    sys.exit(main(sys.argv[1:], dict(os.environ)))
