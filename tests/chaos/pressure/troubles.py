"""What goes wrong, and how it is mended: one context manager each, on real processes."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import psycopg
from nats.js import api

from callfunnel.cli.stack import running
from callfunnel.infra.connection import access_for, connect
from callfunnel.infra.postgres import conninfo
from callfunnel.infra.secrets import open_secrets
from callfunnel.local.supervision.spawn import end_group
from tests.chaos.pressure import held_programs
from tests.simulators.running_stack import RunningStack

Trouble = Callable[[RunningStack], AbstractContextManager[None]]
POISON = "callfunnel.call.connected.v1"
ROOM = 4 * 1024
"""Bytes that a full stream still takes: a few facts."""
MEDIA_DISK = 192 * 1024**2
"""Size of the small disk under the worker's spool: three times what the spool keeps free."""


def down(service: str) -> Trouble:
    """Nothing listens where the service was: it is killed, and its next life waits to begin."""

    @contextmanager
    def trouble(stack: RunningStack) -> Iterator[None]:
        held = stack.home.parent / held_programs.HELD / service
        before = stack.pid(service)
        held.touch()
        try:
            end_group(before, signal.SIGKILL)
            yield
        finally:
            held.unlink()

    return trouble


def full(stream: str) -> Trouble:
    """The stream has no room for more than a little; afterwards it has its old limit."""

    @contextmanager
    def trouble(stack: RunningStack) -> Iterator[None]:
        before = asyncio.run(_limited(stack, stream, None))
        try:
            yield
        finally:
            asyncio.run(_limited(stack, stream, before))

    return trouble


async def _limited(stack: RunningStack, stream: str, size: int | None) -> int:
    """Sets the size of a stream, None: what it holds now and `ROOM`. The size it had."""
    platform = running(str(stack.home)).platform
    access = await access_for(platform, "supervisor", open_secrets(platform.secrets))
    client = await connect(access, lambda: None)
    try:
        info = await client.jetstream().stream_info(stream)
        had = info.config.max_bytes or -1
        room = info.state.bytes + ROOM if size is None else size
        config = api.StreamConfig(**{**_plain(info.config), "max_bytes": room})
        await client.jetstream().update_stream(config)
        return had
    finally:
        await client.close()


def _plain(config: api.StreamConfig) -> dict[str, object]:
    return {name: getattr(config, name) for name in config.__dataclass_fields__}


def slow_timeline(seconds_a_row: float) -> Trouble:
    """The consumer that writes timelines takes so long for every row; the others do not."""

    @contextmanager
    def trouble(stack: RunningStack) -> Iterator[None]:
        _as_owner(
            stack,
            "create function timeline.slowed() returns trigger language plpgsql as"
            f" $$ begin perform pg_sleep({seconds_a_row}); return new; end $$;"
            " create trigger slowed before insert on timeline.events"
            " for each row execute function timeline.slowed();",
        )
        try:
            yield
        finally:
            # A batch that is being stored keeps the table: it goes on fast, and is waited for.
            _as_owner(
                stack,
                "create or replace function timeline.slowed() returns trigger language plpgsql as"
                " $$ begin return new; end $$",
            )
            _as_owner(
                stack,
                "set lock_timeout = '60s'; set statement_timeout = '60s';"
                " drop function timeline.slowed() cascade",
            )

    return trouble


@contextmanager
def poisoned_timeline(stack: RunningStack) -> Iterator[None]:
    """The database refuses one kind of fact for good: no try of its consumer will help."""
    _as_owner(
        stack,
        "create function timeline.poisoned() returns trigger language plpgsql as"
        " $$ begin raise exception 'not while it is poisoned'; end $$;"
        " create trigger poisoned before insert on timeline.events for each row"
        f" when (new.type = '{POISON}') execute function timeline.poisoned();",
    )
    try:
        yield
    finally:
        _as_owner(stack, "drop function timeline.poisoned() cascade")


async def garbage(stack: RunningStack, subject: str, type_name: str, body: bytes) -> None:
    """Puts a message on the bus that nobody can decode."""
    platform = running(str(stack.home)).platform
    access = await access_for(platform, "supervisor", open_secrets(platform.secrets))
    client = await connect(access, lambda: None)
    try:
        headers = {"ce-type": type_name, "ce-id": "garbage"}
        await client.jetstream().publish(subject, body, headers=headers)
    finally:
        await client.close()


def _as_owner(stack: RunningStack, statements: str) -> None:
    platform = running(str(stack.home)).platform
    address = asyncio.run(conninfo(platform, "owner", open_secrets(platform.secrets)))
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statements)


@contextmanager
def full_disk(stack: RunningStack) -> Iterator[None]:
    """The disk under the worker's spool has no room: a file of someone else's took it all.

    Without the right to mount (see `small_disk`), the worker's files may grow no further.
    """
    folder = spool_of(stack.home)
    if os.path.ismount(folder):
        ballast = folder / "somebody-elses"
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(b"\0" * 65536):
                """Until nothing more fits."""
        try:
            yield
        finally:
            ballast.unlink()
        return
    pid = stack.pid("media-1")
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


def spool_of(home: Path) -> Path:
    """Where the media worker keeps what the bus does not have yet."""
    return home / "spool" / "media-1"


@contextmanager
def small_disk(home: Path) -> Iterator[None]:
    """A disk of its own under the spool of the home's worker, where this user may mount one."""
    folder = spool_of(home)
    for each in (home, folder.parent, folder):
        each.mkdir(mode=0o700, exist_ok=True)
    size = f"size={MEDIA_DISK},mode=0700"
    mount = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]
    may = os.geteuid() == 0
    mounted = may and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)
