"""One media worker: slots, registry, door, spool and sessions, wired and wound down.

Starts by ending what its predecessor left. Once told to stop it refuses new calls before anything
else, lets live ones finish (or ends them at the deadline), and leaves when the last is over.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine
from typing import Any, Final

import msgspec

from callfunnel.domain.call import CallSpec, Cause, WorkerRecord
from callfunnel.domain.errors import UserError
from callfunnel.domain.ids import CallId, WorkerId
from callfunnel.events.requests import Accepted, HangUp, ReleaseSlot, ReserveSlot
from callfunnel.infra.background import Background
from callfunnel.infra.bus import Bus, Received
from callfunnel.infra.clock import unix_ns, utc_now
from callfunnel.infra.context import Context
from callfunnel.infra.speech import Synthesizer
from callfunnel.infra.spool import Spool
from workers.media.control import Desk, hang_up
from workers.media.endings import never_connected
from workers.media.measures import Measures
from workers.media.models.line import OpenLine
from workers.media.predecessor import end_calls_of_predecessor
from workers.media.registry import Registry
from workers.media.report import Reporter, Shortfall
from workers.media.server import CarrierSocket, Door, listen
from workers.media.session import Session
from workers.media.setting import Setting
from workers.media.settings import MediaSettings
from workers.media.slots import Reservation, Slots
from workers.media.spans import CallSpans
from workers.media.speaker import Speaker
from workers.media.tidiness import Tidiness
from workers.media.tools import BusErrands

_log: Final = logging.getLogger(__name__)

_SWEEP_S: Final = 1.0
_LAST_WORDS_S: Final = 10.0
"""How long calls that are ended at the drain deadline may take for their last words."""
_CUT_S: Final = 0.4
"""The same when somebody hurries, and what the end itself takes."""
_LOOKS_S: Final = (0.0, 2.0, 4.0)
"""Pauses between looks at the pins after a lapse: longer in all than the reaper's grace."""


class Draining(msgspec.Struct, frozen=True):
    """Since when (the machine's monotonic clock) no call is taken, since when the registry says
    so, and how many calls go on."""

    refusing_at: float
    known_at: float
    calls: int


class MediaWorker:
    """Wiring only; see the modules it joins."""

    def __init__(self, settings: MediaSettings, context: Context, open_line: OpenLine) -> None:
        self._settings = settings
        self._open_line = open_line
        self._context = context
        self._measures = Measures(context.telemetry)
        self._worker = WorkerId(settings.platform.process)
        self._slots = Slots(settings.platform.media_slots)
        self._sessions: set[Session] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._synthesizer = Synthesizer()
        self._shortfall = Shortfall()
        self._changed = asyncio.Event()
        self._url = ""
        self._bus: Bus
        self._spool: Spool
        self._registry: Registry
        self._tidiness: Tidiness
        self._opened = contextlib.AsyncExitStack()
        self._opened.push_async_callback(self._synthesizer.close)
        self._hurried = asyncio.Event()
        self._sweeping = Background("sweep of reservations", self._sweep)

    async def start(self) -> None:
        """Opens everything; afterwards the gateway may place calls here."""
        platform = self._settings.platform
        self._bus = await self._context.bus("media")
        self._spool = await Spool.open(platform.spool_dir)
        self._opened.push_async_callback(self._spool.close)
        self._opened.push_async_callback(self._spool.drain, 1.0)
        await self._spool.send_through(self._bus.client)
        door = Door(self._worker, platform.public_url, self._slots, self._connect)
        server = await self._listen(door)
        self._opened.callback(server.close)
        host, port = server.sockets[0].getsockname()[:2]
        self._url = self._settings.url or f"ws://{host}:{port}"
        self._registry = Registry(
            self._bus, self._worker, self.record, lost=self._fenced, lapsed=self._lapsed
        )
        self._slots.closed = "starting"
        await self._serve_requests()  # before anyone can read where to ask
        await self._registry.enter()
        self._opened.push_async_callback(self._registry.leave)
        tracer = self._context.tracer
        await end_calls_of_predecessor(self._spool, self._registry, tracer)
        self._sweeping.start()
        self._opened.push_async_callback(self._sweeping.stop)
        self._watch(door)
        self._tidiness = Tidiness()
        self._slots.closed = ""
        self._registry.touch()

    async def _listen(self, door: Door) -> asyncio.Server:
        port = self._settings.platform.media_port
        try:
            return await listen(door, self._settings.host, port)
        except OSError as error:
            what = f"the media port {port} cannot be opened ({error.strerror})"
            raise UserError(what, "free it, or set CALLFUNNEL_MEDIA_PORT=0 for any") from error

    async def refuse(self) -> Draining:
        """No new call from now on; returns once the registry says so, too."""
        self._slots.closed = "draining"
        refusing_at = time.monotonic()
        _log.info("draining", extra={"slots": self._slots.used})
        if hasattr(self, "_registry"):
            await self._registry.write()
        return Draining(refusing_at, time.monotonic(), self._slots.used)

    async def stop(self) -> None:
        """Waits for the last call, and leaves; `refuse` comes first."""
        await self._unless_hurried(self._settings.platform.drain_s)
        for session in tuple(self._sessions):
            session.drain()
        await self._unless_hurried(_LAST_WORDS_S)
        await self._emptied(_CUT_S)
        for session in tuple(self._sessions):
            session.on_closed()
        await self._emptied(_CUT_S)
        _log.info("drained", extra={"slots": self._slots.used})
        for task in tuple(self._tasks):
            task.cancel()
        await self._opened.aclose()
        _log.info("left")

    def hurry(self) -> None:
        """Told to stop a second time: what is being waited for is waited for no longer."""
        self._hurried.set()

    def record(self) -> WorkerRecord:
        """What the registry shows of this worker."""
        return WorkerRecord(
            worker=self._worker,
            url=self._url,
            slots=self._slots.capacity,
            used=self._slots.used,
            draining=bool(self._slots.closed),
            model=self._settings.platform.model,
            at=utc_now(),
        )

    def checks(self) -> dict[str, bool | str]:
        """What must be true for this worker to take a call."""
        started = hasattr(self, "_registry")
        return {
            "lease": started and self._registry.holds,
            "spool": started and (self._spool.trouble or True),
            "open": not self._slots.closed,
        }

    async def _serve_requests(self) -> None:
        held_s = self._settings.held_s
        desk = Desk(self._slots, self._registry, self._context.secrets, self._spool, held_s)
        await self._bus.serve(ReserveSlot, desk.reserve, key=self._worker)
        await self._bus.serve(ReleaseSlot, desk.release, key=self._worker)

    def _connect(self, reservation: Reservation, socket: CarrierSocket) -> Session:
        spec = reservation.spec
        reporter = self._reporter(spec)
        reporter.begin(self._worker, reservation.epoch, spec.slot)
        errands = BusErrands(spec, reservation.epoch, self._bus, self._registry)
        setting = Setting(
            spec=spec,
            rulebook=reservation.rulebook,
            open_line=self._open_line,
            reporter=reporter,
            errands=errands,
            speaker=Speaker(self._synthesizer),
        )
        session = Session(setting, socket)
        self._sessions.add(session)
        session.done.add_done_callback(lambda _: self._over(session, spec.call))
        self._keep(self._attend(session, spec))
        self._registry.touch()
        return session

    def _reporter(self, spec: CallSpec) -> Reporter:
        spans = CallSpans(self._context.tracer, spec, unix_ns, unix_ns())
        seen = (self._measures, spans)
        return Reporter(spec, self._spool, utc_now, self._shortfall, witnesses=seen)

    def _over(self, session: Session, call: CallId) -> None:
        self._sessions.discard(session)
        self._slots.free(call)
        self._registry.touch()
        self._changed.set()
        self._tidiness.a_call_is_over(self._slots.live)

    async def _attend(self, session: Session, spec: CallSpec) -> None:
        """Takes control requests of the call's own tenant while the call lives."""

        async def answer(asked: Received[HangUp]) -> Accepted:
            return await hang_up(session, asked)

        listening = await self._bus.serve(HangUp, answer, tenant=spec.tenant, key=spec.call)
        await session.done
        await listening.unsubscribe()

    async def _sweep(self) -> float:
        """Reservations whose socket never came."""
        for late in self._slots.expire(asyncio.get_running_loop().time()):
            self._registry.touch()
            self._keep(self._never_came(late))
        self._changed.set()
        return _SWEEP_S

    async def _never_came(self, late: Reservation) -> None:
        """Told and ended if it was pinned; otherwise nobody knows of it and nothing is told."""
        spec = late.spec
        if await self._registry.surely_pinned(spec, late.epoch):
            _log.warning("the carrier never came", extra={"call": spec.call})
            reporter = self._reporter(spec)
            reporter.begin(self._worker, late.epoch, spec.slot)
            reporter.end(never_connected())
            await reporter.on_disk()
        await self._registry.conclude(spec, late.epoch, Cause.MEDIA_LOST, "")

    async def _emptied(self, within_s: float) -> None:
        """Until no slot is taken, or the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._slots.used:
                    self._changed.clear()
                    await self._changed.wait()

    async def _unless_hurried(self, within_s: float) -> None:
        """As `_emptied`, or until somebody hurries."""
        emptied = asyncio.ensure_future(self._emptied(within_s))
        hurried = asyncio.ensure_future(self._hurried.wait())
        await asyncio.wait({emptied, hurried}, return_when=asyncio.FIRST_COMPLETED)
        emptied.cancel()
        hurried.cancel()

    def _fenced(self) -> None:
        """Another process took this worker's name: new calls do not come."""
        _log.error("the lease is lost")
        self._slots.closed = "fenced"
        self._keep(self._give_up_lost_calls())

    def _lapsed(self) -> None:
        """This process was frozen or cut off for longer than its lease."""
        _log.warning("the lease had lapsed", extra={"slots": self._slots.used})
        self._keep(self._give_up_lost_calls())

    async def _give_up_lost_calls(self) -> None:
        """Whose pin is no longer this worker's has been ended by others: it ends here, silently.

        Looks more than once, since others may be about to act on what they saw.
        """
        for after_s in _LOOKS_S:
            await asyncio.sleep(after_s)
            for session in tuple(self._sessions):
                if not await self._registry.surely_pinned(session.spec, self._registry.epoch):
                    session.fence()

    def _watch(self, door: Door) -> None:
        telemetry = self._context.telemetry
        telemetry.watch("media", self._counts)
        telemetry.watch("media_door", lambda: {"refused": door.refused})
        telemetry.watch("media_lost", lambda: self._shortfall)
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

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a task failed", exc_info=error)
