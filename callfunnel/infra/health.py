"""/healthz, /readyz and /metrics, on loopback unless told: enough HTTP for a probe, no more."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping

import msgspec

from callfunnel.infra.telemetry import CONTENT_TYPE, Telemetry

_JSON = "application/json"
_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Service Unavailable",
}
Checks = Callable[[], Mapping[str, bool | str]]
"""By name: True when it is so; False, or the reason in words, when it is not."""


class Health:
    """Answers probes. `checks` says what must be true for the process to be of use."""

    def __init__(self, checks: Checks, telemetry: Telemetry) -> None:
        self._checks = checks
        self._telemetry = telemetry
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> int:
        """Listens there; the port (any free one for 0)."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=8192)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stops listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            async with asyncio.timeout(5):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self.answer(head))
                await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    def answer(self, head: bytes) -> bytes:
        """The whole response to a request's head."""
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return _response(400, b'{"problem":"not HTTP/1"}', _JSON)
        if words[0] not in (b"GET", b"HEAD"):
            return _response(405, b'{"problem":"GET only"}', _JSON)
        match words[1].split(b"?")[0]:
            case b"/healthz":
                return _response(200, b'{"ok":true}', _JSON)
            case b"/readyz":
                checks = dict(self._checks())
                ok = all(said is True for said in checks.values())
                body = msgspec.json.encode({"ok": ok, "checks": checks})
                return _response(200 if ok else 503, body, _JSON)
            case b"/metrics":
                return _response(200, self._telemetry.render(), CONTENT_TYPE)
            case _:
                return _response(404, b'{"problem":"no such path"}', _JSON)


def _response(status: int, body: bytes, kind: str) -> bytes:
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: {kind}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\ncache-control: no-store\r\n\r\n"
    )
    return head.encode() + body
