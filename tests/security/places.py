"""Every place where the product leaves something: what is there, as bytes, under a name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import nats
import psycopg
from minio import Minio
from nats.js.api import ConsumerConfig
from psycopg import sql

from callfunnel.domain.ids import PLATFORM
from callfunnel.events.streams import BUCKETS, STREAMS
from tests.security.two_tenants import TwoTenants

TABLES = """
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm') and n.nspname !~ '^(pg_|information_schema)' order by 1, 2
"""
STREAM_NAMES = [*(each.name for each in STREAMS), *(f"KV_{each.name}" for each in BUCKETS)]


def rows(attacked: TwoTenants) -> Iterator[tuple[str, bytes]]:
    """Every row of every table, read by the superuser, whom row security does not bind."""
    login = attacked.store.get(PLATFORM, "postgres/superuser")
    url = attacked.settings.postgres_url
    with psycopg.connect(url, user=login["user"], password=login["password"]) as connection:
        for schema, table in connection.execute(TABLES).fetchall():
            name = sql.Identifier(schema, table)
            for (row,) in connection.execute(sql.SQL("select t::text from {} t").format(name)):
                yield f"table {schema}.{table}", row.encode()


def messages(attacked: TwoTenants, stream: str) -> list[tuple[str, bytes]]:
    """Every message that a stream keeps: subject, headers and body."""
    return asyncio.run(_messages(attacked, stream))


async def _messages(attacked: TwoTenants, stream: str) -> list[tuple[str, bytes]]:
    login = attacked.store.get(PLATFORM, "nats/supervisor")
    client = await nats.connect(
        attacked.settings.nats_url, user=login["user"], password=login["password"]
    )
    try:
        count = (await client.jetstream().stream_info(stream)).state.messages
        reading = await client.jetstream().pull_subscribe(
            "", stream=stream, config=ConsumerConfig(ack_policy="none")
        )
        found = []
        while len(found) < count:
            found += await reading.fetch(500, timeout=5)
        return [
            (f"stream {stream}", f"{each.subject} {each.headers} ".encode() + each.data)
            for each in found
        ]
    finally:
        await client.close()


def objects(attacked: TwoTenants) -> Iterator[tuple[str, bytes]]:
    """Every object, decrypted."""
    keys = attacked.store.get(PLATFORM, "objects/owner")
    where = attacked.settings.objects_url.removeprefix("http://")
    store = Minio(
        where, access_key=keys["access_key"], secret_key=keys["secret_key"], secure=False,
        region="us-east-1",
    )  # fmt: skip
    for each in store.list_objects(attacked.settings.objects_bucket, recursive=True):
        answer = store.get_object(attacked.settings.objects_bucket, each.object_name)
        with answer:
            yield f"object {each.object_name}", answer.data


def files(attacked: TwoTenants) -> Iterator[tuple[str, bytes]]:
    """Every file of the home as it lies on the disk, and its name."""
    for path in sorted(attacked.stack.home.rglob("*")):
        if path.is_file():
            name = str(path.relative_to(attacked.stack.home))
            try:
                yield f"file {name}", name.encode() + b" " + path.read_bytes()
            except FileNotFoundError:
                continue


def pids(attacked: TwoTenants) -> dict[str, int]:
    """Every process of the product and everything those started."""
    found = {"up": attacked.stack.process.pid}
    waiting = list(found.values())
    while waiting:
        pid = waiting.pop()
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, task.read_text().split()):
                words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                found[f"{b' '.join(words[:5]).decode()} {child}"] = child
                waiting.append(child)
    return found
