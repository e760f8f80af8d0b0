"""`python -m gateway`: the door on one port, until SIGTERM and the end of what it relays."""

import asyncio
import contextlib
import os
import signal
import sys
from contextlib import AsyncExitStack

from callfunnel.infra.context import Context
from callfunnel.infra.health import Health
from callfunnel.infra.logs import write_json_lines
from callfunnel.infra.service import announce, run, run_until_signal, withdraw
from callfunnel.infra.settings import PlatformSettings
from callfunnel.infra.strain import all_loaded
from gateway.app import application
from gateway.door import Door
from gateway.relay import MediaRelay
from gateway.serving import Serving
from gateway.wiring import open_door


class Gateway:
    """The process: opens everything, serves, and closes in the reverse order."""

    def __init__(self, settings: PlatformSettings) -> None:
        self._settings = settings
        self.context = Context(settings)
        self.door: Door | None = None
        self._closing = AsyncExitStack()
        self._serving: Serving | None = None
        self._health = Health(self._checks, self.context.telemetry)
        self.health_port = 0

    async def start(self) -> None:
        """Returns once requests are answered."""
        self.health_port = await self._health.start(host=self._settings.health_host)
        self.door = door = await open_door(self.context, self._closing)
        relay = MediaRelay(door.registry.worker_url if self._settings.media_relay else None)
        self.context.telemetry.watch("gateway", lambda: relay.counts(door.streams.open))
        self._serving = Serving(self._settings, application(door), relay)
        all_loaded()
        await self.context.start()
        port = await self._serving.start()
        announce(self._settings, http_port=port, health_port=self.health_port)

    async def stop(self) -> None:
        """Takes nothing more, lets what goes on end, closes everything."""
        if self.door is not None:
            self.door.feeds.close()
        if self._serving is not None:
            self._serving.close()
            await self._serving.leave()
        withdraw(self._settings)
        with contextlib.suppress(OSError):
            await self._closing.aclose()
        await self.context.stop_buses()
        await self.context.close()
        await self._health.stop()

    def hurry(self) -> None:
        """Nothing is waited for any longer."""
        if self._serving is not None:
            self._serving.hurry()

    def _checks(self) -> dict[str, bool]:
        """What the process's own probe says; the public one asks the database, too."""
        serving = self._serving is not None and self._serving.open
        return {**self.context.checks(), "open": serving}


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
    async def end() -> None:
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, gateway.hurry)
        await gateway.stop()

    return await run_until_signal(gateway.start, end, gateway.context.closed_for_good)


if __name__ == "__main__":
    sys.exit(main())
