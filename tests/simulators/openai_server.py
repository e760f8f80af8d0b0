"""The fake model behind a real WebSocket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.simulators.openai_realtime import FakeSession, Script

OTHERS = "Rabble"


@dataclass
class FakeModel:
    """A running server. `sessions`: every session so far; `headers`: what each came with."""

    base_url: str
    sessions: list[FakeSession]
    paths: list[str]
    headers: list[dict[str, str]]


@contextlib.asynccontextmanager
async def serve_model(
    script: Script, others: Callable[[ServerConnection], Awaitable[None]] | None = None
) -> AsyncIterator[FakeModel]:
    """The fake behind a WebSocket on a free port of the loopback. Sessions of an agent that is
    named OTHERS are handed to `others`, if there is something for them."""
    fake = FakeModel("", [], [], [])

    def check(connection: ServerConnection, request: Request) -> Response | None:
        fake.paths.append(request.path)
        fake.headers.append(dict(request.headers.raw_items()))
        status = script.manners.handshake_status
        return connection.respond(HTTPStatus(status), "no\n") if status else None

    async def handle(socket: ServerConnection) -> None:
        outbox: asyncio.Queue[str | tuple[int, str]] = asyncio.Queue()
        session = FakeSession(
            script, outbox.put_nowait, lambda code, why: outbox.put_nowait((code, why))
        )
        fake.sessions.append(session)
        writing = asyncio.create_task(_write(socket, outbox))
        session.open()
        try:
            async for message in socket:
                if others is not None and OTHERS in str(message):
                    await others(socket)
                    return
                session.receive(message)
        except ConnectionClosed:
            pass
        finally:
            session.stop()
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    server: Server
    async with serve(handle, "127.0.0.1", 0, process_request=check, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        fake.base_url = f"http://127.0.0.1:{port}/v1"
        yield fake


async def _write(socket: ServerConnection, outbox: "asyncio.Queue[str | tuple[int, str]]") -> None:
    while True:
        message = await outbox.get()
        if isinstance(message, tuple):
            await socket.close(*message)
        else:
            await socket.send(message)
