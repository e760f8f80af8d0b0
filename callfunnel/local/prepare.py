"""The step between services that run and a product that can use them; repeated at every start.

Waits for each service by doing a real operation on it, as its owner: roles, database and
migrations; streams and buckets of the bus; the object bucket, with an encrypted object written
and read back. Seeds the demo tenant. Then leaves the file that the product waits for.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from callfunnel.domain.errors import Permanent, Temporary, UserError
from callfunnel.domain.ids import PLATFORM
from callfunnel.infra.connection import access_for, connect
from callfunnel.infra.migrate import migrate
from callfunnel.infra.objects import Objects
from callfunnel.infra.postgres import conninfo
from callfunnel.infra.provision import provision
from callfunnel.infra.roles import ROLES, create_database
from callfunnel.infra.secrets import Secrets, open_secrets
from callfunnel.infra.settings import PlatformSettings
from callfunnel.local.demo.seed import seed

_PATIENCE_S = 60.0
_PAUSE_S = 0.05


async def prepare(settings: PlatformSettings, secrets: Secrets) -> None:
    """Make every service ready for the product. Raises UserError saying which would not be."""
    await asyncio.gather(
        _until_it_works("Postgres", lambda: database(settings, secrets)),
        _until_it_works("NATS", lambda: bus(settings, secrets)),
        _until_it_works("the object store", lambda: Objects.prepare(settings, secrets)),
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
    access = await access_for(settings, "supervisor", secrets)
    client = await connect(access, lambda: None)
    try:
        await provision(client)
    finally:
        await client.close()


async def _until_it_works(name: str, work: Callable[[], Awaitable[None]]) -> None:
    started = time.monotonic()
    while True:
        try:
            await work()
        except Temporary as error:
            if time.monotonic() > started + _PATIENCE_S:
                raise UserError(f"{name} is not ready: {error.reason}") from error
            await asyncio.sleep(_PAUSE_S)
        except Permanent as error:
            raise UserError(f"{name} cannot be prepared: {error.reason}") from error
        else:
            print(f"{name} is prepared after {time.monotonic() - started:.1f} s", flush=True)
            return


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
    sys.exit(main(sys.argv[1:], dict(os.environ)))
