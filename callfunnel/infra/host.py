"""The life of a process that serves: probed, opened, announced, told to stop, drained, closed.

One order for all of them, so that a process differs from another by its program alone.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Generic, Protocol, TypeVar

import msgspec

from callfunnel.infra.context import Context
from callfunnel.infra.drain import Drain
from callfunnel.infra.health import Health
from callfunnel.infra.settings import PlatformSettings
from callfunnel.infra.strain import all_loaded

Facts = Mapping[str, object]


class Program(Protocol):
    """What a process does. It is made open, and takes nothing before `serve`.

    `serve` comes when the buses have started, and returns what the run file tells. `refuse` comes
    first when the process is to end: nothing new is taken from then on; what it returns is told,
    too. `leave` returns once what was taken is over; the process closes it afterwards.
    """

    def checks(self) -> Mapping[str, bool | str]: ...

    async def serve(self) -> Facts: ...

    async def refuse(self) -> Facts: ...

    async def leave(self, drain: Drain) -> None: ...


P = TypeVar("P", bound=Program)
Opens = Callable[[Context, AsyncExitStack], Awaitable[P]]
"""Opens a program; what undoes it goes onto the stack, closed while the buses still run."""


class Host(Generic[P]):
    """One process and its program, which is there while it is open."""

    def __init__(self, settings: PlatformSettings, opens: Opens[P], health_port: int = 0) -> None:
        self.context = Context(settings)
        self.program: P | None = None
        self.health_port = health_port
        self._settings = settings
        self._opens = opens
        self._opened = AsyncExitStack()
        self._drain = Drain()
        self._serving = False
        self._told: Facts = {}
        self._health = Health(self._checks, self.context.telemetry)

    async def start(self) -> None:
        """Returns once the program serves, and says so in the run file."""
        self.health_port = await self._health.start(self.health_port, self._settings.health_host)
        self.program = program = await self._opens(self.context, self._opened)
        all_loaded()
        await self.context.start()
        ports = {"http_port": self.health_port, "health_port": self.health_port}
        self._told = {**ports, **await program.serve()}
        self._serving = True
        announce(self._settings, self._told)

    async def stop(self) -> None:
        """Takes nothing more, lets what goes on end, and closes everything; also half open."""
        self._serving = False
        if self.program is not None:
            if news := await self.program.refuse():
                announce(self._settings, {**self._told, **news})
            await self.program.leave(self._drain)
        withdraw(self._settings)
        with contextlib.suppress(OSError):
            await self._opened.aclose()
        await self.context.stop_buses()
        await self.context.close()
        await self._health.stop()

    def hurry(self) -> None:
        """Nothing is waited for any longer."""
        self._drain.hurry()

    async def run(self) -> int:
        """`start`, wait for SIGTERM or SIGINT (0) or for the bus to close for good (1), `stop`.

        A second signal hurries.
        """
        told = asyncio.Event()
        _on_signal(told.set)
        starting = asyncio.ensure_future(self.start())
        ends = (told, self.context.closed_for_good)
        waits = [asyncio.ensure_future(event.wait()) for event in ends]
        try:
            done, _ = await asyncio.wait([starting, *waits], return_when=asyncio.FIRST_COMPLETED)
            if starting in done:
                starting.result()
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (starting, *waits):
                task.cancel()
            await asyncio.gather(starting, *waits, return_exceptions=True)
            _on_signal(self.hurry)
            await self.stop()
        return 0 if told.is_set() else 1

    def _checks(self) -> Mapping[str, bool | str]:
        of_program = {} if self.program is None else self.program.checks()
        return {"open": self._serving, **self.context.checks(), **of_program}


def _on_signal(do: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, do)


def announce(settings: PlatformSettings, facts: Facts) -> None:
    """Leaves `<run dir>/<process>.json` with the pid and `facts`: this process is ready."""
    target = settings.run_dir / f"{settings.process}.json"
    scratch = target.with_suffix(f".{os.getpid()}.new")
    scratch.write_bytes(msgspec.json.encode({"pid": os.getpid(), **facts}))
    scratch.chmod(0o600)
    scratch.replace(target)


def withdraw(settings: PlatformSettings) -> None:
    """Removes what `announce` left: this process takes nothing more."""
    (settings.run_dir / f"{settings.process}.json").unlink(missing_ok=True)
