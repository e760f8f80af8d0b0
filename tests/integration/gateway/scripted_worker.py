"""A media worker as the gateway sees it: a record, reservations, and a socket that echoes."""

import asyncio
import secrets
from collections.abc import Callable
from http import HTTPStatus

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from callfunnel.domain.call import CallSpec, WorkerRecord
from callfunnel.domain.ids import CallId, WorkerId
from callfunnel.events.requests import Accepted, HangUp, ReleaseSlot, Reserved, ReserveSlot
from callfunnel.events.streams import WORKERS
from callfunnel.infra.bus import Bus, Received
from callfunnel.infra.clock import utc_now


class ScriptedWorker:
    """Takes every reservation unless `refuses` says why not; sockets open once per token."""

    def __init__(self, bus: Bus, name: str, slots: int) -> None:
        self.name = WorkerId(name)
        self.reserved: dict[CallId, CallSpec] = {}
        self.released: list[CallId] = []
        self.hung_up: list[tuple[str, str]] = []
        self.refuses = ""
        self.tokens: set[str] = set()
        self.upgrades: list[dict[str, str]] = []
        self.on_socket: Callable[[ServerConnection], None] = lambda socket: None
        self._bus = bus
        self._slots = slots
        self.server: Server | None = None
        self._subscriptions: list[object] = []

    async def start(self) -> None:
        self.server = await serve(
            self._echo, "127.0.0.1", 0, process_request=self._admit, compression=None
        )
        port = next(iter(self.server.sockets)).getsockname()[1]
        await self._bus.serve(ReserveSlot, self._reserve, key=self.name)
        await self._bus.serve(ReleaseSlot, self._release, key=self.name)
        await self._bus.serve(HangUp, self._hang_up)
        record = WorkerRecord(
            worker=self.name,
            url=f"ws://127.0.0.1:{port}",
            slots=self._slots,
            used=0,
            draining=False,
            model="demo",
            at=utc_now(),
        )
        await self._bus.kv(WORKERS.name).put(self.name, msgspec.json.encode(record))

    async def stop(self) -> None:
        await self._bus.kv(WORKERS.name).delete(self.name)
        if self.server is not None:
            self.server.close()
            await self.server.wait_closed()

    async def _reserve(self, asked: Received[ReserveSlot]) -> Reserved:
        if self.refuses:
            return Reserved(ok=False, reason=self.refuses)
        token = secrets.token_urlsafe(24)
        self.tokens.add(token)
        self.reserved[asked.data.spec.call] = asked.data.spec
        return Reserved(ok=True, token=token, epoch=7)

    async def _release(self, asked: Received[ReleaseSlot]) -> Accepted:
        self.released.append(CallId(asked.data.call))
        return Accepted(ok=True)

    async def _hang_up(self, asked: Received[HangUp]) -> Accepted:
        self.hung_up.append((asked.envelope.key, asked.data.by))
        return Accepted(ok=True)

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.upgrades.append({name.lower(): value for name, value in request.headers.raw_items()})
        token = request.path.removeprefix(f"/media/{self.name}/")
        if token not in self.tokens:
            return connection.respond(HTTPStatus.FORBIDDEN, "")
        self.tokens.discard(token)
        return None

    async def _echo(self, socket: ServerConnection) -> None:
        self.on_socket(socket)
        async for message in socket:
            await asyncio.wait_for(socket.send(message), 5)
