"""A request that dribbles in holds no connection; one that is whole may take its time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway.patience import PatientHttp
from tests.simulators.waiting import until


class Hasty(PatientHttp):
    patience_s = 0.1


async def app(scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    while (await receive()).get("more_body"):
        continue
    await asyncio.sleep(3 * Hasty.patience_s)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = uvicorn.Config(app, lifespan="off", log_config=None)
    config.load()
    loop = asyncio.get_running_loop()
    state = ServerState()
    server = await loop.create_server(lambda: Hasty(config, state, {}), host="127.0.0.1", port=0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await until(lambda: not state.connections, "every connection is closed")


async def said(port: int, *parts: bytes) -> bytes:
    """All that the server says to these bytes, until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    "parts",
    [
        (b"",),
        (b"GET / HTTP/1.1\r\nHost: x\r\n",),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", b"abc"),
    ],
)
async def test_who_never_ends_a_request_is_hung_up_on(port: int, parts: tuple[bytes, ...]) -> None:
    assert await said(port, *parts) == b""


async def test_a_whole_request_gets_its_answer_however_long_it_takes(port: int) -> None:
    answer = await said(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"204" in answer
