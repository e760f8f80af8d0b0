"""A real server per test: it starts in a fifth of a second."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from callfunnel.infra.bus import Bus, BusAccess
from callfunnel.infra.lean import LeanClient
from callfunnel.infra.provision import BusSize, provision
from tests.containers.chosen import nats_server
from tests.integration.bus.nats_process import NatsProcess


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsProcess]:
    folder = tmp_path / "nats"
    folder.mkdir()
    process = nats_server(folder)
    process.start()
    yield process
    process.stop()


@pytest.fixture
async def client(server: NatsProcess) -> AsyncIterator[LeanClient]:
    async def quiet(_: Exception) -> None:
        """Outages are what these tests make."""

    connection = LeanClient()
    await connection.connect(
        server.url, max_reconnect_attempts=-1, reconnect_time_wait=0.1, error_cb=quiet
    )
    yield connection
    await connection.close()


@pytest.fixture
async def bus(server: NatsProcess, client: LeanClient) -> AsyncIterator[Bus]:
    """A bus of its own: streams and buckets made, and nobody else on it."""
    await provision(client, BusSize(streams=256 * 1024 * 1024))
    opened = await Bus.open(BusAccess(url=server.url, name="test"))
    yield opened
    await opened.stop()
