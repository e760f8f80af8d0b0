"""One media worker: slots, registry, door, spool and calls, wired, watched and wound down.

Opens by ending what its predecessor left. Once told to stop it refuses new calls before anything
else, lets live ones finish (or ends them at the deadline), and leaves when the last is over.
"""

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from typing import Final

import msgspec

from callfunnel.domain.call import WorkerRecord
from callfunnel.domain.errors import UserError
from callfunnel.domain.ids import WorkerId
from callfunnel.events.requests import ReleaseSlot, ReserveSlot
from callfunnel.infra.background import Background
from callfunnel.infra.bus import Bus
from callfunnel.infra.clock import utc_now
from callfunnel.infra.context import Context
from callfunnel.infra.drain import Drain
from callfunnel.infra.host import Facts
from callfunnel.infra.speech import Synthesizer
from callfunnel.infra.spool import Spool
from callfunnel.infra.telemetry import Telemetry
from workers.media.beginnings import Beginnings
from workers.media.calls import Calls
from workers.media.control import Desk
from workers.media.debts import Debts
from workers.media.measures import Measures
from workers.media.models.line import OpenLine
from workers.media.predecessor import end_calls_of_predecessor
from workers.media.registry import Registry
from workers.media.server import Door, listen
from workers.media.settings import MediaSettings
from workers.media.slots import Slots

_log: Final = logging.getLogger(__name__)

_SWEEP_S: Final = 1.0
_LAST_WORDS_S: Final = 10.0
"""How long calls that are ended at the drain deadline may take for their last words."""
_CUT_S: Final = 0.4
"""The same when somebody hurries, and what the end itself takes."""


class Draining(msgspec.Struct, frozen=True):
    """Since when (the machine's monotonic clock) no call is taken, since when the registry says
    so, and how many calls go on."""

    refusing_at: float
    known_at: float
    calls: int


class MediaWorker:
    """The program of a media worker; see `Program`. Wiring only: see the modules it joins."""

    def __init__(
        self,
        settings: MediaSettings,
        context: Context,
        *,
        bus: Bus,
        spool: Spool,
        open_line: OpenLine,
        voice: Synthesizer,
    ) -> None:
        self._settings = settings
        self._name = WorkerId(settings.platform.process)
        self._url = ""
        self._bus = bus
        self._spool = spool
        self._tracer = context.tracer
        self._slots = Slots(settings.platform.media_slots)
        self._slots.closed = "starting"
        self._registry = Registry(
            bus, self._name, self.record, lost=self._fenced, lapsed=self._lapsed
        )
        debts = Debts()
        beginnings = Beginnings(
            worker=self._name,
            bus=bus,
            spool=spool,
            registry=self._registry,
            open_line=open_line,
            voice=voice,
            tracer=context.tracer,
            measures=Measures(context.telemetry),
            debts=debts,
        )
        self._calls = Calls(self._slots, beginnings)
        self._door = Door(
            self._name, settings.platform.public_url, self._slots, self._calls.connect
        )
        self._desk = Desk(self._slots, self._registry, context.secrets, spool, settings.held_s)
        self._sweeping = Background("sweep of reservations", self._sweep)
        self._watch(context.telemetry, debts)

    async def open(self, opened: AsyncExitStack) -> None:
        """The door is open and the registry knows of it; what a predecessor left is ended."""
        server = await self._listen()
        opened.callback(server.close)
        host, port = server.sockets[0].getsockname()[:2]
        self._url = self._settings.url or f"ws://{host}:{port}"
        # Before anyone can read where to ask:
        await self._bus.serve(ReserveSlot, self._desk.reserve, key=self._name)
        await self._bus.serve(ReleaseSlot, self._desk.release, key=self._name)
        await self._registry.enter()
        opened.push_async_callback(self._registry.leave)
        await end_calls_of_predecessor(self._spool, self._registry, self._tracer)
        self._sweeping.start()
        opened.push_async_callback(self._sweeping.stop)
        opened.callback(self._calls.close)

    async def serve(self) -> Facts:
        """From now on the gateway may place calls here."""
        self._slots.closed = ""
        self._registry.touch()
        return {"media_url": self._url}

    async def refuse(self) -> Facts:
        """No new call from now on; returns once the registry says so, too."""
        self._slots.closed = "draining"
        refusing_at = time.monotonic()
        _log.info("draining", extra={"slots": self._slots.used})
        await self._registry.write()
        return {"draining": Draining(refusing_at, time.monotonic(), self._slots.used)}

    async def leave(self, drain: Drain) -> None:
        """Waits for the last call: to its end, to its last words, to its cut."""
        calls = self._calls
        await drain.wait(calls.emptied(), self._settings.platform.drain_s)
        calls.drain()
        await drain.wait(calls.emptied(), _LAST_WORDS_S)
        await calls.emptied_within(_CUT_S)
        calls.cut()
        await calls.emptied_within(_CUT_S)
        _log.info("drained", extra={"slots": self._slots.used})

    def record(self) -> WorkerRecord:
        """What the registry shows of this worker."""
        return WorkerRecord(
            worker=self._name,
            url=self._url,
            slots=self._slots.capacity,
            used=self._slots.used,
            draining=bool(self._slots.closed),
            model=self._settings.platform.model,
            at=utc_now(),
        )

    def checks(self) -> dict[str, bool | str]:
        """What must be true for this worker to take a call."""
        return {
            "lease": self._registry.holds,
            "spool": self._spool.trouble or True,
            "open": not self._slots.closed,
        }

    async def _listen(self) -> asyncio.Server:
        port = self._settings.platform.media_port
        try:
            return await listen(self._door, self._settings.host, port)
        except OSError as error:
            what = f"the media port {port} cannot be opened ({error.strerror})"
            raise UserError(what, "free it, or set CALLFUNNEL_MEDIA_PORT=0 for any") from error

    async def _sweep(self) -> float:
        self._calls.sweep(asyncio.get_running_loop().time())
        return _SWEEP_S

    def _fenced(self) -> None:
        """Another process took this worker's name: new calls do not come."""
        _log.error("the lease is lost")
        self._slots.closed = "fenced"
        self._calls.look_for_lost()

    def _lapsed(self) -> None:
        """This process was frozen or cut off for longer than its lease."""
        _log.warning("the lease had lapsed", extra={"slots": self._slots.used})
        self._calls.look_for_lost()

    def _watch(self, telemetry: Telemetry, debts: Debts) -> None:
        telemetry.watch("media", self._counts)
        telemetry.watch("media_door", lambda: {"refused": self._door.refused})
        telemetry.watch("media_lost", lambda: debts.lost)
        telemetry.watch("media_owed", lambda: debts.owed)
        telemetry.watch("spool", lambda: self._spool.stats)
        telemetry.watch("spool_sender", lambda: self._spool.sender_stats)

    def _counts(self) -> dict[str, int]:
        slots = self._slots
        return {
            "live": slots.live,
            "used": slots.used,
            "slots": slots.capacity,
            "open": int(not slots.closed and self._spool.accepting),
        }


async def open_worker(
    settings: MediaSettings, open_line: OpenLine, context: Context, opened: AsyncExitStack
) -> MediaWorker:
    """A worker that takes no call yet. Raises UserError for a port that cannot be opened."""
    opened.callback(_log.info, "left")
    bus = await context.bus("media")
    voice = Synthesizer()
    opened.push_async_callback(voice.close)
    spool = await Spool.open(settings.platform.spool_dir)
    opened.push_async_callback(spool.close)
    opened.push_async_callback(spool.drain, 1.0)
    await spool.send_through(bus.client)
    worker = MediaWorker(settings, context, bus=bus, spool=spool, open_line=open_line, voice=voice)
    await worker.open(opened)
    return worker
