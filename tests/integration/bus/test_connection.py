"""The connection: it waits for the server, and says when no waiting will help."""

import asyncio
import gc
from pathlib import Path

import pytest

from callfunnel.infra import connection
from callfunnel.infra.bus import Bus, BusAccess
from tests.containers.chosen import nats_server
from tests.integration.bus.nats_process import NatsProcess
from tests.simulators.waiting import until


async def test_a_process_that_is_early_waits_for_the_server(
    server: NatsProcess, caplog: pytest.LogCaptureFixture
) -> None:
    server.stop()
    opening = asyncio.create_task(Bus.open(BusAccess(url=server.url, name="early")))
    await until(lambda: "bus" in caplog.messages, "the first failure")
    assert not opening.done()

    server.start()

    bus = await asyncio.wait_for(opening, 10)
    assert bus.ready
    await bus.stop()


async def test_an_outage_is_said_once_and_so_is_its_end(
    server: NatsProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "callfunnel")
    bus = await Bus.open(BusAccess(url=server.url, name="test"))
    server.kill()
    await until(lambda: not bus.client.is_connected, "the loss")
    server.start()

    await until(lambda: "bus is back" in caplog.messages, "the return")
    kinds = [record.error for record in caplog.records if record.message == "bus"]  # type: ignore[attr-defined]
    assert len(kinds) == len(set(kinds))
    await bus.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_login_that_is_refused_again_and_again_asks_for_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_RETRY_S", 0.01)
    server = nats_server(tmp_path)
    server.users = [{"user": "media", "password": "old"}]
    server.start()
    ends: list[str] = []
    access = BusAccess(url=server.url, name="x", user="media", password="old")
    bus = await Bus.open(access, lambda: ends.append("now"))
    server.kill()
    server.users = [{"user": "media", "password": "new"}]
    server.start()

    await until(lambda: ends == ["now"], "the word to end")

    await bus.stop()
    server.stop()
    del bus
    gc.collect()  # nats-py leaves the sockets of refused logins to the collector


async def test_a_bus_that_is_stopped_does_not_call_for_help(server: NatsProcess) -> None:
    ends: list[str] = []
    bus = await Bus.open(BusAccess(url=server.url, name="x"), lambda: ends.append("now"))
    await bus.stop()
    assert ends == []
