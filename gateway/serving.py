"""The gateway's listening side: opens or inherits the door, and leaves without a dropped caller.

Leaving has an order. First nobody new is taken: where the listening socket is shared, those who
knock are the next process's from that moment on. Then what is here goes on: requests are answered
(and told to come back on another connection), relayed calls talk on. The process may end when all
of that is over, or when the calls have had their time, or when somebody hurries.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from callfunnel.infra.drain import Drain
from callfunnel.infra.settings import PlatformSettings
from gateway.patience import PatientHttp
from gateway.relay import MediaRelay
from gateway.shell import Shell

_GRACE_S = 3
_BACKLOG = 1024
_IDLE_S = 6.0
"""uvicorn lets go of an idle connection after 5 s; a request on one must not meet a closed door."""
_AFTER_WORKERS_S = 15.0
"""Calls that a worker ends at its own deadline have their last words through this process."""
_LOOK_S = 0.05


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Serving:
    """One process's life on the port."""

    def __init__(self, settings: PlatformSettings, shell: Shell, relay: MediaRelay) -> None:
        self._settings = settings
        self._shell = shell
        self._relay = relay
        self._task: asyncio.Task[None] | None = None
        self._server = _Server(
            uvicorn.Config(
                shell,
                http=PatientHttp,
                ws=relay,  # type: ignore[arg-type]  # any callable that makes a protocol will do
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_GRACE_S,
            )
        )

    @property
    def open(self) -> bool:
        """Whether new callers are taken."""
        return self._server.started and not self._shell.leaving

    async def start(self) -> int:
        """Returns the port once requests are answered."""
        listening = _listening(self._settings)
        port = int(listening.getsockname()[1])
        self._task = asyncio.create_task(self._server.serve([listening]))
        while not self._server.started:
            if self._task.done():
                self._task.result()
            await asyncio.sleep(0.005)
        return port

    def close(self) -> None:
        """Takes nobody new from now on; what is here goes on."""
        self._shell.leaving = True
        for each in getattr(self._server, "servers", ()):
            each.close()

    async def leave(self, drain: Drain) -> None:
        """Returns once nothing goes on, or nothing may any longer."""
        await drain.wait(self._emptied(), self._settings.drain_s + _AFTER_WORKERS_S)
        self._relay.close()
        self._server.should_exit = True
        if self._task is not None:
            with contextlib.suppress(OSError):
                await asyncio.gather(self._task, return_exceptions=True)

    async def _emptied(self) -> None:
        loop = asyncio.get_running_loop()
        idle_at = loop.time() + _IDLE_S
        # uvicorn's connections cannot be waited for, only counted
        while self._relay.active or (self._connections() and loop.time() < idle_at):  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_S)

    def _connections(self) -> set[Any]:
        return self._server.server_state.connections


def _listening(settings: PlatformSettings) -> socket.socket:
    if settings.http_fd:
        listening = socket.socket(fileno=settings.http_fd)
    else:
        address = (settings.http_host, settings.http_port)
        listening = socket.create_server(address, backlog=_BACKLOG, reuse_port=False)
    listening.setblocking(False)
    return listening
