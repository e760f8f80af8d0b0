"""Seeding the demo tenant: its rows, its carrier account, its rule book file. Repeatable."""

from __future__ import annotations

import asyncio
import secrets as randomness
import shutil
from pathlib import Path

import psycopg

from callfunnel.infra.postgres import conninfo, translated
from callfunnel.infra.secrets import SecretMissing, Secrets
from callfunnel.infra.settings import PlatformSettings
from callfunnel.local.demo import AGENT, CALL_LIMIT, CARRIER, NAME, NUMBER, TENANT

RULEBOOK = Path(__file__).parent / f"{AGENT}.yaml"


async def seed(settings: PlatformSettings, secrets: Secrets) -> None:
    """Make what is missing; a row, secret or file that is there stays as its user made it."""
    owner = await conninfo(settings, "owner", secrets)
    await asyncio.to_thread(_rows, owner)
    await _carrier(secrets)
    if settings.rulebook_dir is not None and RULEBOOK.exists():
        file = settings.rulebook_dir / RULEBOOK.name
        if not file.exists():
            await asyncio.to_thread(shutil.copyfile, RULEBOOK, file)


def _rows(owner: str) -> None:
    with translated(), psycopg.connect(owner) as connection:
        connection.execute(
            "insert into platform.tenants (tenant, name, call_limit) values (%s, %s, %s)"
            " on conflict do nothing",
            (TENANT, NAME, CALL_LIMIT),
        )
        connection.execute(
            "insert into platform.numbers (number, tenant, agent) values (%s, %s, %s)"
            " on conflict do nothing",
            (NUMBER, TENANT, AGENT),
        )


async def _carrier(secrets: Secrets) -> None:
    try:
        await secrets.get(TENANT, CARRIER)
    except SecretMissing:
        account = {
            "account_sid": f"AC{randomness.token_hex(16)}",
            "auth_token": randomness.token_hex(16),
        }
        await secrets.put(TENANT, CARRIER, account)
