"""The bus client comes back, with one reader, from a server that froze while it connected."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from nats.errors import FlushTimeoutError

from callfunnel.infra.lean import LeanClient
from tests.simulators.waiting import until

INFO = b'INFO {"server_id":"s","version":"2.12.0","max_payload":1048576,"headers":true}\r\n'
HALF_A_MESSAGE = b"MSG a 1 500\r\nhalf"


class Server:
    """Greets each connection; `frozen` says of which ones nothing more is heard, and when."""

    def __init__(self) -> None:
        self.frozen: dict[int, str] = {}
        self.lines: list[list[bytes]] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.left: set[int] = set()
        self.listening: asyncio.Server | None = None

    async def greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, lines = len(self.lines), list[bytes]()
        self.lines.append(lines)
        self.writers.append(writer)
        if self.frozen.get(number) == "with a line that does not end":
            writer.write(b"x" * 200_000)
        elif self.frozen.get(number) != "before the greeting":
            writer.write(INFO)
        while line := await reader.readline():
            lines.append(line)
            if line == b"PING\r\n":
                writer.write(b"PONG\r\n")
                if self.frozen.get(number) == "within a message":
                    writer.write(HALF_A_MESSAGE)
        self.left.add(number)
        writer.close()

    @property
    def port(self) -> int:
        assert self.listening is not None
        return int(self.listening.sockets[0].getsockname()[1])

    def drop(self, number: int) -> None:
        self.writers[number].transport.abort()

    def die(self) -> None:
        assert self.listening is not None
        self.listening.close()
        for number in range(len(self.writers)):
            self.drop(number)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    server.listening = await asyncio.start_server(server.greet, "127.0.0.1")
    yield server
    server.listening.close()


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[LeanClient]:
    async def unheard(_error: Exception) -> None:
        """An outage has many."""

    client = LeanClient()
    await client.connect(
        f"nats://127.0.0.1:{server.port}",
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.01,  # type: ignore[arg-type]  # any number of seconds
        connect_timeout=0.1,  # type: ignore[arg-type]
        error_cb=unheard,
    )
    yield client
    await client.close()


def failing_once(client: LeanClient) -> Callable[[], Any]:
    """A flush that finds half a message there and no pong in ten seconds; the next is the usual."""
    failures, flush = [FlushTimeoutError()], client.flush

    async def flush_or_fail() -> None:
        if failures:
            await until(lambda: bool(client._ps.buf), "half a message is there")
            raise failures.pop()
        await flush()

    return flush_or_fail


async def test_a_connection_that_froze_while_it_began_is_let_go(server: Server) -> None:
    server.frozen = {1: "before the greeting", 2: "before the greeting"}
    async with connected(server) as client:
        server.drop(0)
        await until(lambda: client.stats["reconnects"] == 1, "the fourth connection stands")
        await until(lambda: {1, 2} <= server.left, "the frozen ones are closed")


async def test_whatever_greets_it_the_client_tries_again(server: Server) -> None:
    server.frozen = {1: "with a line that does not end"}
    async with connected(server) as client:
        server.drop(0)
        await until(lambda: client.stats["reconnects"] == 1, "the third connection stands")


async def test_nothing_of_a_connection_that_froze_is_read_into_the_next(server: Server) -> None:
    server.frozen = {1: "within a message"}
    async with connected(server) as client:
        client.flush = failing_once(client)  # type: ignore[method-assign]
        first = client._reading_task
        server.drop(0)
        await until(lambda: len(server.lines) == 2, "the second connection is begun")
        await until(lambda: client._reading_task is not first, "the second has a reader")
        second = client._reading_task
        await until(lambda: len(server.lines) == 3 and client.is_connected, "the third stands")
        server.writers[2].write(b"PING\r\n")
        await until(lambda: b"PONG\r\n" in server.lines[2], "its ping is answered")
        assert second is not None
        await until(second.done, "the second reads no more")


async def test_what_an_outage_kept_from_being_said_keeps_nobody_from_closing(
    server: Server,
) -> None:
    async def unheard(_message: Any) -> None:
        """Nothing comes."""

    async with connected(server) as client:
        subscription = await client.subscribe("a", cb=unheard)
        server.die()
        await until(lambda: client.is_reconnecting, "the outage is noticed")
        await client.publish("a", b"said in vain")
    assert client.is_closed
    hearing = subscription._wait_for_msgs_task
    assert hearing is not None
    await until(hearing.done, "nobody listens any more")


async def test_a_pong_that_comes_too_late_ends_no_reading() -> None:
    client = LeanClient()
    late: asyncio.Future[bool] = asyncio.Future()
    late.cancel()
    awaited: asyncio.Future[bool] = asyncio.Future()
    client._pongs = [late, awaited]
    client._pings_outstanding = 2
    await client._ps.parse(b"PONG\r\nPONG\r\n")
    assert awaited.done()
    assert client._pings_outstanding == 0
