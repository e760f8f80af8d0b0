"""`python -m gateway`: the door on one port, until SIGTERM."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

import uvicorn

from callfunnel.infra.context import Context
from callfunnel.infra.logs import write_json_lines
from callfunnel.infra.service import announce, run, run_until_signal, withdraw
from callfunnel.infra.settings import PlatformSettings
from gateway.app import application
from gateway.door import Door
from gateway.patience import PatientHttp
from gateway.relay import MediaRelay
from gateway.wiring import open_door

_GRACE_S = 3
_BACKLOG = 1024


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Gateway:
    """The process: opens everything, serves, and closes in the reverse order."""

    def __init__(self, settings: PlatformSettings) -> None:
        self._settings = settings
        self.context = Context(settings)
        self.door: Door | None = None
        self._closing = AsyncExitStack()
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns once requests are answered."""
        self.door = door = await open_door(self.context, self._closing)
        relay = MediaRelay(door.registry.worker_url if self._settings.media_relay else None)
        self.context.telemetry.watch("gateway", lambda: relay.counts(door.streams.open))
        listening = socket.create_server(
            (self._settings.http_host, self._settings.http_port), backlog=_BACKLOG, reuse_port=False
        )
        listening.setblocking(False)
        config = uvicorn.Config(
            application(door),
            http=PatientHttp,
            ws=relay,  # type: ignore[arg-type]  # any callable that makes a protocol will do
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve([listening]))
        await self._until_started()
        announce(self._settings, http_port=listening.getsockname()[1])

    async def stop(self) -> None:
        """Takes nothing more, lets the requests in hand end, closes everything."""
        withdraw(self._settings)
        if self.door is not None:
            self.door.feeds.close()
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await asyncio.gather(self._serving, return_exceptions=True)
        with contextlib.suppress(OSError):
            await self._closing.aclose()
        await self.context.stop_buses()
        await self.context.close()

    async def _until_started(self) -> None:
        while self._server is not None and not self._server.started:
            if self._serving is not None and self._serving.done():
                self._serving.result()
            await asyncio.sleep(0.005)


def main() -> int:
    """Runs the gateway; the exit code."""
    try:
        settings = PlatformSettings.from_env(os.environ)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    write_json_lines(settings.process)
    gateway = Gateway(settings)
    return run(_serve(gateway))


async def _serve(gateway: Gateway) -> int:
    return await run_until_signal(gateway.start, gateway.stop, gateway.context.closed_for_good)


if __name__ == "__main__":
    sys.exit(main())
