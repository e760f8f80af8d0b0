"""The live calls of a worker: taken up with their socket, attended, and let go when they are over.

Decides nothing about a call; it knows which there are, and what all of them are to do.
"""

import asyncio
import contextlib
import logging
from collections.abc import Collection
from typing import Final

from callfunnel.domain.call import CallSpec, Cause
from callfunnel.domain.ids import CallId
from callfunnel.events.requests import Accepted, HangUp
from callfunnel.infra.bus import Received
from callfunnel.infra.tasks import Tasks
from callfunnel.infra.turns import Turnstile
from workers.media.beginnings import Beginnings
from workers.media.control import hang_up
from workers.media.endings import never_connected
from workers.media.parting import tell_surely
from workers.media.server import CarrierSocket
from workers.media.session import Session
from workers.media.slots import Reservation, Slots
from workers.media.tidiness import Tidiness

_log: Final = logging.getLogger(__name__)

_LOOKS_S: Final = (0.0, 2.0, 4.0)
"""Pauses between looks at the pins after a lapse: longer in all than the reaper's grace."""
_GIVEN_UP_AT_ONCE: Final = 2
"""Each is a millisecond of work in pieces: a carrier that stays away with a hundred calls at once
must not keep the audio of those that came waiting for all of them."""


class Calls:
    """One worker's, reserved and live ones."""

    def __init__(self, slots: Slots, beginnings: Beginnings) -> None:
        self._slots = slots
        self._beginnings = beginnings
        self._bus = beginnings.bus
        self._registry = beginnings.registry
        self._tidiness = Tidiness()
        self._sessions: set[Session] = set()
        self._tasks = Tasks()
        self._giving_up = asyncio.Semaphore(_GIVEN_UP_AT_ONCE)
        self._turnstile = Turnstile()
        self._fewer = asyncio.Event()
        self._doubtful: frozenset[CallId] = frozenset()

    def connect(self, reservation: Reservation, socket: CarrierSocket) -> Session:
        """The carrier has come for a reserved call."""
        spec = reservation.spec
        session = self._beginnings.session(reservation, socket)
        self._sessions.add(session)
        session.done.add_done_callback(lambda _: self._over(session))
        self._tasks.start(self._attend(session, spec))
        if spec.call in self._doubtful:
            self._tasks.start(self._give_up_lost({session}))
        self._registry.touch()
        return session

    def sweep(self, now: float) -> None:
        """Lets go of the reservations whose socket never came."""
        for late in self._slots.expire(now):
            self._registry.touch()
            self._tasks.start(self._never_came(late))
        self._fewer.set()

    def look_for_lost(self) -> None:
        """Others may have ended calls of this worker: those end here, too, silently.

        Of the reserved ones it is asked again when their socket comes.
        """
        self._doubtful = self._slots.reserved
        self._tasks.start(self._give_up_lost(self._sessions))

    async def emptied(self) -> None:
        """Until no slot is taken."""
        while self._slots.used:
            self._fewer.clear()
            await self._fewer.wait()

    async def emptied_within(self, within_s: float) -> None:
        """As `emptied`, or until the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self.emptied()

    def drain(self) -> None:
        """Every call says its last words and ends; a few begin in each turn of the loop."""
        for session in tuple(self._sessions):
            self._turnstile.soon(session.drain)

    def cut(self) -> None:
        """Every call ends now, as if its line had broken."""
        for session in tuple(self._sessions):
            session.on_closed()

    def close(self) -> None:
        """Nothing is done for them any more."""
        self._tasks.cancel()

    def _over(self, session: Session) -> None:
        self._sessions.discard(session)
        self._slots.free(session.spec.call)
        self._registry.touch()
        self._fewer.set()
        self._tidiness.a_call_is_over(self._slots.live)

    async def _attend(self, session: Session, spec: CallSpec) -> None:
        """Takes control requests of the call's own tenant while the call lives."""

        async def answer(asked: Received[HangUp]) -> Accepted:
            return await hang_up(session, asked)

        listening = await self._bus.serve(HangUp, answer, tenant=spec.tenant, key=spec.call)
        await session.done
        await listening.unsubscribe()

    async def _never_came(self, late: Reservation) -> None:
        """Told and ended if it was pinned; otherwise nobody knows of it and nothing is told."""
        spec = late.spec
        async with self._giving_up:
            if await self._registry.surely_pinned(spec, late.epoch):
                _log.warning("the carrier never came", extra={"call": spec.call})
                # First on disk: no journal has known of this call before.
                await tell_surely(self._beginnings.reporter(late), never_connected())
            await self._registry.conclude(spec, late.epoch, Cause.MEDIA_LOST, "")

    async def _give_up_lost(self, doubtful: Collection[Session]) -> None:
        """Those whose pin is no longer this worker's have been ended by others.

        Looks more than once, since others may be about to act on what they saw.
        """
        for after_s in _LOOKS_S:
            await asyncio.sleep(after_s)
            for session in tuple(doubtful):
                if not await self._registry.surely_pinned(session.spec, self._registry.epoch):
                    session.fence()
