"""What a hosted feature may use: settings, secrets, metrics, and connections made when asked for.

Connections are per role, because a feature keeps the bus user and the database role of its own
deployable also when it shares a process with others.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Protocol

from callfunnel.infra import clock
from callfunnel.infra.backlog import Backlog
from callfunnel.infra.bus import Bus
from callfunnel.infra.secrets import Secrets, open_secrets
from callfunnel.infra.settings import PlatformSettings
from callfunnel.infra.spans import Tracer
from callfunnel.infra.strain import Strain
from callfunnel.infra.telemetry import Telemetry

if TYPE_CHECKING:  # a process loads only the drivers its features ask for
    from callfunnel.infra.objects import Objects
    from callfunnel.infra.otlp import OtlpSink
    from callfunnel.infra.postgres import Pool

log = logging.getLogger(__name__)


class Runs(Protocol):
    """What a feature has running beside its consumers."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Context:
    """The connections of one process; `closed_for_good` is set when the bus refused us."""

    def __init__(self, settings: PlatformSettings, secrets: Secrets | None = None) -> None:
        self.settings = settings
        if settings.clock_dir is not None:
            clock.follow(settings.clock_dir / f"{settings.process}.ms")
        self.secrets = secrets or open_secrets(settings.secrets)
        self.telemetry = Telemetry()
        self._sink = _sink(settings)
        self.tracer = Tracer(self._sink, settings.traced_share)
        self.closed_for_good = asyncio.Event()
        self._behind_buses = AsyncExitStack()
        self._buses: dict[str, Bus] = {}
        self._pools: dict[str, Pool] = {}
        self._objects: dict[str, Objects] = {}
        self._turn = asyncio.Lock()
        self._strain: Strain | None = None
        self._backlog = Backlog(self.telemetry)

    async def bus(self, role: str) -> Bus:
        """The bus as `role`; register before the host starts it."""
        async with self._turn:
            if role not in self._buses:
                closed = self.closed_for_good.set
                self._buses[role] = await Bus.connect(
                    self.settings, role, self.secrets, closed, tracer=self.tracer
                )
            return self._buses[role]

    async def pool(self, role: str) -> "Pool":
        """The database as `role`. Raises Temporary when it does not answer for long."""
        from callfunnel.infra.postgres import connect_pool

        async with self._turn:
            if role not in self._pools:
                self._pools[role] = await connect_pool(self.settings, role, self.secrets)
            return self._pools[role]

    async def objects(self, role: str) -> "Objects":
        """The object store as `role`."""
        from callfunnel.infra.objects import Objects

        async with self._turn:
            if role not in self._objects:
                self._objects[role] = await Objects.connect(self.settings, role, self.secrets)
            return self._objects[role]

    async def run(self, *parts: Runs) -> None:
        """Starts them one by one; they stop after the buses, the last one first."""
        for part in parts:
            await part.start()
            self._behind_buses.push_async_callback(part.stop)

    def checks(self) -> dict[str, bool]:
        """What must be true for the process to be of use."""
        return {f"bus_{role}": bus.ready for role, bus in self._buses.items()}

    async def start(self) -> None:
        """Starts what the features registered; watches it, and the event loop, as metrics."""
        self._strain = Strain(self.telemetry)
        self._strain.start()
        if self._sink is not None:
            self.telemetry.watch("spans", self._sink.current_counts)
        for role, bus in self._buses.items():
            await bus.start()
            self.telemetry.watch("bus", _readiness(bus), role=role)
            for durable, consumer in bus.consumers.items():
                stats = consumer.settling.current_stats
                self.telemetry.watch("consumer", stats, durable=durable)
            streams = {name: each.stream.name for name, each in bus.consumers.items()}
            self._backlog.watch(bus.client, streams)

    async def stop_buses(self) -> None:
        """Finishes the work in hand, gives the rest back; then stops what `run` started."""
        if self._strain is not None:
            self._strain.stop()
        await self._backlog.stop()
        await asyncio.gather(*(bus.stop() for bus in self._buses.values()))
        await self._behind_buses.aclose()

    async def close(self) -> None:
        """Closes the stores, once the features have stopped; the last spans leave."""
        for pool in self._pools.values():
            await pool.close()
        if self._sink is not None:
            await self._sink.close()


def _readiness(bus: Bus) -> Callable[[], dict[str, int]]:
    return lambda: {"ready": int(bus.ready)}


def _sink(settings: PlatformSettings) -> "OtlpSink | None":
    """Where spans go, if anywhere: only then is anything of OpenTelemetry loaded."""
    if not settings.otlp_endpoint:
        return None
    from callfunnel.infra.otlp import OtlpSink

    return OtlpSink(settings.otlp_endpoint, settings.process)
