"""What every request goes through: an id, a body limit, headers that protect, one log line.

Plain ASGI, so that a stream stays a stream. The line names the route, never the query or the body.
"""

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callfunnel.carrier.signature import media_url
from callfunnel.infra.clock import unix_ns
from callfunnel.infra.logs import about
from callfunnel.infra.turns import Turnstile

log = logging.getLogger("gateway.access")

MOST_BODY = 512 * 1024
Note = Callable[[int], None]
"""Told of the status of each answer."""
Told = Callable[[Mapping[str, Any], Mapping[str, Any]], None]
"""Told of each exchange: its state and the words of the log."""
_QUIET = frozenset(("/healthz", "/readyz"))


def protective_headers(public_url: str) -> dict[str, str]:
    """Nothing from elsewhere, nothing inline, no framing; the microphone for this page alone."""
    origin = public_url.rstrip("/")
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"connect-src 'self' {media_url(origin, '')}; media-src 'self' blob:; worker-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    secure = {"Strict-Transport-Security": "max-age=31536000"}
    return headers | (secure if origin.startswith("https:") else {})


class Shell:
    """Wraps the application. `headers` go on every answer; `note` is told of each.

    Of requests that come at the same moment a few begin in each turn of the loop: a campaign's
    webhooks must not keep the relayed audio of live calls waiting for all of them.
    While `leaving`, each answer is the last one on its connection: the next request of that client
    meets the process that follows.
    """

    def __init__(
        self,
        app: ASGIApp,
        headers: Mapping[str, str],
        *,
        note: Note,
        told: Told,
        most_body: int = MOST_BODY,
    ) -> None:
        self._app = app
        self._note = note
        self._told = told
        self._headers = _raw(headers)
        self._most_body = most_body
        self._turnstile = Turnstile()
        self.leaving = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(self, scope, receive, send)
        await self._turnstile.enter()
        with about(request=exchange.id):
            try:
                await self._app(scope, exchange.receive, exchange.send)
            except Exception:  # the application has answered 500 already
                log.exception("request failed", extra=exchange.words())
            finally:
                self._note(exchange.status)
                self._told(scope["state"], exchange.words())
                if scope["path"] not in _QUIET:
                    log.info("request", extra=exchange.words())

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return self._headers

    @property
    def most_body(self) -> int:
        return self._most_body


class _Exchange:
    """One request and its answer."""

    def __init__(self, shell: Shell, scope: Scope, receive: Receive, send: Send) -> None:
        self._shell = shell
        self._scope = scope
        self._receive = receive
        self._send = send
        self._began = time.monotonic()
        self._read = 0
        self.status = 0
        self._state: dict[str, Any] = scope.setdefault("state", {})
        self._state["request_id"] = self.id = secrets.token_hex(8)
        self._state["began_ns"] = unix_ns()

    async def receive(self) -> Message:
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read > self._shell.most_body or self._announced() > self._shell.most_body:
            raise HTTPException(413, f"More than {self._shell.most_body} bytes.")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            last = {"Connection": "close"} if self._shell.leaving or self._two_lengths() else {}
            extra = _raw({"X-Request-Id": self.id, **last, **self._state.get("extra_headers", {})})
            known = {name for name, _ in message.get("headers", [])}
            added = [each for each in self._shell.headers + extra if each[0] not in known]
            message = {**message, "headers": [*message.get("headers", []), *added]}
        await self._send(message)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def words(self) -> dict[str, Any]:
        """What the log says."""
        route = self._scope.get("route")
        return {
            "method": self._scope["method"],
            "path_template": getattr(route, "path", "-"),
            "status": self.status,
            "duration_ms": round(self.seconds * 1000),
        }

    def _two_lengths(self) -> bool:
        """Whether a proxy may see another end of this request (RFC 9112, 6.3): it is the last."""
        names = {name for name, _ in self._scope["headers"]}
        return {b"transfer-encoding", b"content-length"} <= names

    def _announced(self) -> int:
        for name, value in self._scope["headers"]:
            if name == b"content-length":
                return int(value) if value.isdigit() else 0
        return 0


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
