"""One gateway follows another on the same door: nobody is refused, no call is cut."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from websockets.asyncio.client import connect

from callfunnel.infra.host import Host
from callfunnel.local.supervision.probes import status_of
from gateway.__main__ import Gateway, open_gateway
from tests.integration.gateway.conftest import Running
from tests.simulators.waiting import until


@pytest.fixture
def door() -> Iterator[socket.socket]:
    """What the supervisor keeps open."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@asynccontextmanager
async def another(gateway: Running, door: socket.socket, name: str) -> AsyncIterator[Host[Gateway]]:
    """One more gateway, behind the shared door."""
    spool = gateway.settings.spool_dir.with_name(name)
    settings = replace(
        gateway.settings,
        process=name,
        spool_dir=spool,
        http_fd=os.dup(door.fileno()),
        media_relay=True,
    )
    made = Host(settings, open_gateway)
    await made.start()
    try:
        yield made
    finally:
        made.hurry()
        await made.stop()


def relayed(made: Host[Gateway]) -> float:
    text = made.context.telemetry.render().decode()
    line = next(x for x in text.splitlines() if x.startswith("callfunnel_gateway_relayed"))
    return float(line.split()[1])


async def test_a_leaving_gateway_takes_nobody_and_keeps_its_calls(
    gateway: Running, door: socket.socket
) -> None:
    worker = await gateway.worker()
    worker.tokens |= {"token-1234567890", "token-0987654321"}
    media = f"ws://127.0.0.1:{door.getsockname()[1]}/media/{worker.name}"
    async with (
        another(gateway, door, "gateway-b") as first,
        connect(f"{media}/token-1234567890") as call,
        another(gateway, door, "gateway-c") as second,
    ):
        await until(lambda: relayed(first) == 1, "the first gateway relays")
        leaving = asyncio.create_task(first.stop())
        for number in range(20):
            await call.send(f"{number}")
            assert await call.recv() == f"{number}"
        async with connect(f"{media}/token-0987654321") as later:
            await later.send("hello")
            assert await later.recv() == "hello"
            assert (relayed(first), relayed(second)) == (1, 1)
        assert not leaving.done()
        await call.close()
        await leaving


async def test_nobody_who_asks_meanwhile_is_refused_or_left_without_an_answer(
    gateway: Running, door: socket.socket
) -> None:
    url = f"http://127.0.0.1:{door.getsockname()[1]}/healthz"
    answers: list[int] = []
    over = asyncio.Event()

    async def ask(http: httpx.AsyncClient) -> None:
        while not over.is_set():
            answers.append((await http.get(url)).status_code)

    async with another(gateway, door, "gateway-b") as first, httpx.AsyncClient() as http:
        asking = asyncio.create_task(ask(http))
        await until(lambda: len(answers) > 5, "somebody asks")
        async with another(gateway, door, "gateway-c"):
            leaving = asyncio.create_task(first.stop())
            asked = len(answers)
            await until(lambda: len(answers) > asked + 20, "they go on asking")
            await leaving
            over.set()
            await asking
    assert set(answers) == {200}


async def test_an_answer_of_a_leaving_gateway_is_the_last_on_its_connection(
    gateway: Running, door: socket.socket
) -> None:
    url = f"http://127.0.0.1:{door.getsockname()[1]}/healthz"
    async with another(gateway, door, "gateway-b") as first, httpx.AsyncClient() as http:
        assert "connection" not in (await http.get(url)).headers
        leaving = asyncio.create_task(first.stop())
        await asyncio.sleep(0)
        assert (await http.get(url)).headers["connection"] == "close"
        await leaving


async def test_a_leaving_gateway_is_alive_and_not_ready(
    gateway: Running, door: socket.socket
) -> None:
    worker = await gateway.worker()
    worker.tokens.add("token-1234567890")
    address = f"ws://127.0.0.1:{door.getsockname()[1]}/media/{worker.name}/token-1234567890"
    async with another(gateway, door, "gateway-b") as first, connect(address) as call:
        own = f"http://127.0.0.1:{first.health_port}"
        assert await asyncio.to_thread(status_of, f"{own}/readyz") == 200
        leaving = asyncio.create_task(first.stop())
        await asyncio.sleep(0)
        assert await asyncio.to_thread(status_of, f"{own}/readyz") == 503
        assert await asyncio.to_thread(status_of, f"{own}/healthz") == 200
        await call.close()
        await leaving
