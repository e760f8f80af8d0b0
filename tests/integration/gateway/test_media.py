"""The relay: a splice once the worker has accepted, a refusal with its status before."""

import asyncio
import socket

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidStatus

from tests.integration.gateway.conftest import Running
from tests.integration.gateway.scripted_worker import ScriptedWorker
from tests.simulators.waiting import until


def address(gateway: Running, worker: ScriptedWorker, token: str) -> str:
    worker.tokens.add(token)
    return f"ws{gateway.url.removeprefix('http')}/media/{worker.name}/{token}"


async def refused(url: str) -> int:
    with pytest.raises(InvalidStatus) as raised:
        await connect(url)
    return raised.value.response.status_code


async def test_text_and_binary_pass_both_ways_unchanged(gateway: Running) -> None:
    worker = await gateway.worker()
    headers = {"X-Twilio-Signature": "c2lnbmVk", "Cookie": "secret", "Authorization": "Bearer x"}
    url = address(gateway, worker, "token-1234567890")
    async with connect(url, additional_headers=headers) as call:
        for message in ("text", b"\x00\xff" * 80, "ü" * 5000):
            await call.send(message)
            assert await call.recv() == message
    (upgrade,) = worker.upgrades
    assert upgrade["x-twilio-signature"] == "c2lnbmVk"
    assert not {"cookie", "authorization"} & set(upgrade)


async def test_a_used_or_foreign_token_is_refused_with_the_workers_status(
    gateway: Running,
) -> None:
    worker = await gateway.worker()
    url = address(gateway, worker, "token-1234567890")
    async with connect(url):
        assert await refused(url) == 403
    assert await refused(url[:-2] + "xy") == 403


async def test_other_paths_and_unknown_workers_are_refused(gateway: Running) -> None:
    base = f"ws{gateway.url.removeprefix('http')}"
    assert await refused(f"{base}/media/nobody/token-1234567890") == 403
    assert await refused(f"{base}/v1/calls") == 404
    assert await refused(f"{base}/media/../v1") == 404


async def test_a_worker_that_does_not_answer_is_a_bad_gateway(gateway: Running) -> None:
    worker = await gateway.worker()
    url = address(gateway, worker, "token-1234567890")
    assert worker.server is not None
    worker.server.close()
    await worker.server.wait_closed()
    assert await refused(url) == 502


async def test_either_side_ends_the_other(gateway: Running) -> None:
    worker = await gateway.worker()
    sockets = asyncio.Queue()
    worker.on_socket = sockets.put_nowait
    async with connect(address(gateway, worker, "token-1234567890")) as call:
        near = await sockets.get()
    await asyncio.wait_for(near.wait_closed(), 5)
    async with connect(address(gateway, worker, "token-0987654321")) as call:
        near = await sockets.get()
        await near.close(1001, "drained")
        await asyncio.wait_for(call.wait_closed(), 5)
        assert (call.close_code, call.close_reason) == (1001, "drained")
    await until(lambda: gateway.relayed() == 0, "the relay lets go")


async def test_a_reader_that_stops_reading_stops_the_sender_not_the_gateway(
    gateway: Running,
) -> None:
    worker = await gateway.worker()
    sockets = asyncio.Queue()
    worker.on_socket = sockets.put_nowait
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    small.setblocking(False)
    host, port = gateway.url.removeprefix("http://").split(":")
    await asyncio.get_running_loop().sock_connect(small, (host, int(port)))
    url = address(gateway, worker, "token-1234567890")
    call: ClientConnection
    async with connect(url, sock=small, max_queue=1) as call:
        near = await sockets.get()
        sending = asyncio.create_task(flood(near))
        done, _ = await asyncio.wait({sending}, timeout=2)
        assert not done, "64 MB went somewhere, though nobody reads"
        sending.cancel()
        call.transport.abort()


async def flood(near: ServerConnection) -> None:
    """64 MB: more than all buffers on the way may hold."""
    for _ in range(1024):
        await near.send(b"x" * 65_536)
