"""`python -m gateway`: the door on one port, until SIGTERM and the end of what it relays."""

import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack

from callfunnel.infra import process
from callfunnel.infra.context import Context
from callfunnel.infra.drain import Drain
from callfunnel.infra.host import Facts, Host
from callfunnel.infra.process import Job
from callfunnel.infra.settings import PlatformSettings
from gateway.app import application
from gateway.door import Door
from gateway.relay import MediaRelay
from gateway.serving import Serving
from gateway.wiring import open_door


class Gateway:
    """The program of a gateway; see `Program`."""

    def __init__(self, door: Door, serving: Serving) -> None:
        self.door = door
        self._serving = serving

    def checks(self) -> dict[str, bool]:
        """What the process's own probe says; the public one asks the database, too."""
        return {"open": self._serving.open}

    async def serve(self) -> Facts:
        """Returns once requests are answered."""
        return {"http_port": await self._serving.start()}

    async def refuse(self) -> Facts:
        """Takes nothing more; feeds are told to come back elsewhere."""
        self.door.feeds.close()
        self._serving.close()
        return {}

    async def leave(self, drain: Drain) -> None:
        """Lets what goes on end."""
        await self._serving.leave(drain)


async def open_gateway(context: Context, opened: AsyncExitStack) -> Gateway:
    """Everything open, and nobody let in yet. Waits until the services answer."""
    door = await open_door(context, opened)
    relay = MediaRelay(door.registry.worker_url if context.settings.media_relay else None)
    context.telemetry.watch("gateway", lambda: relay.counts(door.streams.open))
    return Gateway(door, Serving(context.settings, application(door), relay))


def main() -> int:
    """Runs the gateway; the exit code."""
    return process.main(_job)


def _job(env: Mapping[str, str]) -> Job:
    settings = PlatformSettings.from_env(env)
    return Job(settings, lambda: Host(settings, open_gateway).run())


if __name__ == "__main__":
    sys.exit(main())
