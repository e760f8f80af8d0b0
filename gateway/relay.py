"""The media relay of the embedded stack: what a sticky load balancer does in production.

`/media/<worker>/<token>` is an upgrade like any other; the head of the request is rebuilt for the
worker, and once the worker has answered 101 the two byte streams are spliced without looking at a
frame: text, binary, pings and closes pass unchanged, and each side is read only as fast as the
other one takes it. Any other answer refuses the caller's handshake with the same status. Whether a
token is good is the worker's to say, never ours.

Plugged into uvicorn as its WebSocket protocol: it meets every upgrade, and refuses all but these.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

_PATH = re.compile(rb"/media/([A-Za-z0-9_-]{1,64})/[A-Za-z0-9_-]{8,128}")
_PASSED = frozenset(
    b"connection origin sec-websocket-key sec-websocket-protocol sec-websocket-version upgrade"
    b" user-agent x-twilio-signature".split()
)
_BARE_END = re.compile(rb"[\r\n\0]")
_MOST_HEAD = 16 * 1024
_HANDSHAKE_S = 5.0

UrlOf = Callable[[str], str | None]
"""The socket address (`ws://host:port`) of a live worker, or None."""


class ServerState(Protocol):
    """The part of uvicorn's state that a protocol must keep: it closes these at the end."""

    connections: set[Any]


@dataclass(frozen=True)
class Counts:
    """What the gateway counts about itself."""

    relayed_calls: int
    open_streams: int


class MediaRelay:
    """Counts the relayed calls and makes one `Near` end per upgrade. `url_of` None: relays none."""

    def __init__(self, url_of: UrlOf | None) -> None:
        self.url_of = url_of
        self.joined: set[Near] = set()

    @property
    def active(self) -> int:
        """How many calls are relayed now."""
        return len(self.joined)

    def __call__(self, *, server_state: ServerState, **_: Any) -> "Near":
        """uvicorn asks for a protocol."""
        return Near(self, server_state)

    def close(self) -> None:
        """Ends what is still relayed."""
        for near in tuple(self.joined):
            near.transport.close()

    def counts(self, open_streams: int) -> Counts:
        """For the metrics."""
        return Counts(self.active, open_streams)


class Near(asyncio.Protocol):
    """The caller's side of one socket. Until `far` is open it may not send; then it is a pipe."""

    def __init__(self, relay: MediaRelay, server_state: ServerState) -> None:
        self._relay = relay
        self._server = server_state
        self.transport: asyncio.Transport
        self._far: asyncio.Transport | None = None
        self._asked = False
        self._opening: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)

    def data_received(self, data: bytes) -> None:
        if not self._asked:
            self._asked = True
            self._opening = asyncio.get_running_loop().create_task(self._open(data))
        elif self._far is not None:
            self._far.write(data)
        else:
            self.refuse(HTTPStatus.BAD_REQUEST)

    def pause_writing(self) -> None:
        if self._far is not None:
            self._far.pause_reading()

    def resume_writing(self) -> None:
        if self._far is not None:
            self._far.resume_reading()

    def eof_received(self) -> None:
        return None

    def connection_lost(self, _exc: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._opening is not None:
            self._opening.cancel()
        self._relay.joined.discard(self)
        if self._far is not None:
            self._far.close()

    def shutdown(self) -> None:
        """uvicorn is asked to stop: what is not relayed by now never will be."""
        self.transport.close()

    def joined(self, far: asyncio.Transport) -> None:
        """The worker said 101: from now on both are one pipe."""
        self._far = far
        self._relay.joined.add(self)
        self._server.connections.discard(self)  # a relayed call is no request that may be cut off

    def refuse(self, status: HTTPStatus) -> None:
        """Answers the handshake with a status and nothing else."""
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        self.transport.write(
            f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode("ascii")
        )
        self.transport.close()

    async def _open(self, request: bytes) -> None:
        known = wanted(request)
        if known is None or self._relay.url_of is None:
            return self.refuse(HTTPStatus.NOT_FOUND)
        worker, path, headers = known
        url = self._relay.url_of(worker)
        if url is None:
            return self.refuse(HTTPStatus.FORBIDDEN)
        where = urlsplit(url)
        far = Far(self, worker_head(path, where.netloc, headers))
        try:
            async with asyncio.timeout(_HANDSHAKE_S):
                await asyncio.get_running_loop().create_connection(
                    lambda: far, where.hostname or "", where.port or 80
                )
                await far.answered
        except (OSError, TimeoutError):
            self.refuse(HTTPStatus.BAD_GATEWAY)
        finally:
            far.abort_unless_open()


class Far(asyncio.Protocol):
    """The worker's side: sends the rebuilt request, judges the answer, then is the other pipe."""

    def __init__(self, near: Near, request: bytes) -> None:
        self._near = near
        self._request = request
        self._head = b""
        self._open = False
        self._transport: asyncio.Transport | None = None
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._open:
            self._near.transport.write(data)
            return
        self._head += data
        if b"\r\n\r\n" in self._head or len(self._head) > _MOST_HEAD:
            self._judge()

    def pause_writing(self) -> None:
        self._near.transport.pause_reading()

    def resume_writing(self) -> None:
        self._near.transport.resume_reading()

    def eof_received(self) -> None:
        return None

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._open:
            self._near.transport.close()
        elif not self.answered.done():
            self.answered.set_exception(ConnectionResetError("the worker closed the socket"))

    def abort_unless_open(self) -> None:
        """Whatever went wrong, no socket to the worker is left behind."""
        if self._transport is not None and not self._open:
            self._transport.abort()

    def _judge(self) -> None:
        status = answered_status(self._head)
        if self.answered.done() or self._transport is None:
            return
        self.answered.set_result(None)
        if status is HTTPStatus.SWITCHING_PROTOCOLS:
            self._open = True
            self._near.joined(self._transport)
            self._near.transport.write(self._head)
            self._head = b""
        else:
            self._transport.close()
            self._near.refuse(status)


def wanted(request: bytes) -> tuple[str, bytes, list[bytes]] | None:
    """Worker, path and headers of an upgrade for a media socket; None for any other request."""
    line, *headers = request.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    method, _, target = line.partition(b" ")
    path = target.partition(b" ")[0].partition(b"?")[0]
    known = _PATH.fullmatch(path) if method == b"GET" else None
    if any(_BARE_END.search(each) for each in headers):
        return None  # another line for whoever takes a bare line feed for an end
    return None if known is None else (known[1].decode("ascii"), path, headers)


def worker_head(path: bytes, host: str, headers: list[bytes]) -> bytes:
    """The upgrade as the worker gets it: no cookies, no credentials, no forwarding headers."""
    kept = [each for each in headers if each.partition(b":")[0].strip().lower() in _PASSED]
    lines = [b"GET " + path + b" HTTP/1.1", b"host: " + host.encode("ascii"), *kept]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def answered_status(head: bytes) -> HTTPStatus:
    """The status of an answer; anything that is none counts as a bad gateway."""
    parts = head.split(b"\r\n", 1)[0].split(b" ")
    try:
        return HTTPStatus(int(parts[1])) if parts[0] == b"HTTP/1.1" else HTTPStatus.BAD_GATEWAY
    except (IndexError, ValueError):
        return HTTPStatus.BAD_GATEWAY
