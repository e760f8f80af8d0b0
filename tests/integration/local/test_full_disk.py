"""A NATS server met a full disk: the supervisor has it store again once there is room."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import nats.errors
import pytest

from callfunnel.domain.ids import PLATFORM
from callfunnel.infra.bus import Bus, BusAccess
from callfunnel.infra.sealed import SealedFolder
from tests.integration.local.up import Up
from tests.simulators.waiting import eventually

ROOM = 96 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Where the streams of a home will lie."""
    folder = tmp_path / "home" / "nats"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=700", "none", str(folder)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def stores(home: Path, port: int) -> bool:
    """Whether a message is stored now."""
    login = SealedFolder.open(home / "secrets").get(PLATFORM, "nats/supervisor")

    async def try_it() -> bool:
        bus = await Bus.open(BusAccess(url=f"nats://127.0.0.1:{port}", name="test", **login))
        try:
            await bus.client.jetstream(timeout=2).publish("cf.demo.usage.c_1.measured", b"x" * 9000)
        except (TimeoutError, nats.errors.Error):
            return False
        finally:
            await bus.stop()
        return True

    return asyncio.run(try_it())


def test_what_stores_nothing_since_its_disk_was_full_is_started_anew_once_there_is_room(
    small_disk: Path, tmp_path: Path
) -> None:
    up = Up(tmp_path)
    try:
        port = int(up.wait_ready()["services"]["nats"].rpartition(":")[2])
        first = up.pids()["nats"]
        assert stores(up.home.root, port)

        filler = small_disk / "filler"
        with filler.open("wb") as file:
            try:
                while file.write(b"x" * 65536):
                    file.flush()
            except OSError:
                pass
        eventually(lambda: not stores(up.home.root, port), "the disk is full")
        eventually(lambda: "stores nothing" in up.log.read_text(), "it is said")
        assert up.pids()["nats"] == first, "without room it would not help"

        filler.unlink()
        eventually(lambda: up.pids()["nats"] != first, "another server")
        eventually(lambda: stores(up.home.root, port), "it stores again")
    finally:
        up.end()
    assert up.said().count("starting it anew") == 1
