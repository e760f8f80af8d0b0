"""What a call tells the rest of the platform: facts numbered by their single writer, usage, audio.

Everything leaves through the spool, which never waits. While it refuses (full disk) the call goes
on: facts and usage are owed and told as soon as it takes them again, a bounded number of each call
and a bounded size of all calls together; audio is given up, counted, and silence in the recording.
The end comes after what is owed, and says how many segments are gone.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from callfunnel.domain.call import CallSpec
from callfunnel.domain.errors import Temporary
from callfunnel.domain.ids import WorkerId
from callfunnel.events.audio import AudioSegment
from callfunnel.events.call import CallEnded
from callfunnel.events.envelope import Envelope, Event, Wire, to_wire
from callfunnel.events.message import Message
from callfunnel.events.pinned import opening_facts
from callfunnel.events.usage import UsageMeasured
from callfunnel.infra.spool import SpoolLimits, Tally, UnfinishedCall
from callfunnel.infra.trace import call_context
from workers.media.debts import Debts

_log: Final = logging.getLogger(__name__)

LARGEST: Final = SpoolLimits().message
"""Bytes of a message; what is larger is lost whatever room there is."""
TOTAL: Final = "total"
"""The `record` of usage about the whole call."""
MOST_OWED: Final = 500
"""Messages of a call that wait in memory for a disk that refuses: minutes of talk, a few 100 kB."""


class Outlet(Protocol):
    """The part of the spool that a call needs."""

    def emit(
        self, id: str, subject: str, headers: dict[str, str], body: bytes, tally: Tally | None
    ) -> None: ...

    def open_call(self, call_id: str, document: bytes) -> None: ...

    def close_call(self, call_id: str) -> None: ...

    async def flush(self) -> None: ...


class Witness(Protocol):
    """Sees each fact that was accepted, the end included, to measure or to trace the call."""

    def fact(self, fact: Message) -> None: ...


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """What a successor must know to end the call of a worker that died."""

    spec: CallSpec
    worker: WorkerId
    epoch: int
    began: str


class Reporter:
    """The single writer of one call. `now` gives RFC 3339 UTC; `debts` are the worker's."""

    def __init__(
        self,
        spec: CallSpec,
        outlet: Outlet,
        now: Callable[[], str],
        debts: Debts | None = None,
        *,
        witnesses: Sequence[Witness] = (),
    ) -> None:
        self.spec = spec
        self.seq = 0
        self.segments = 0
        self.usage_records = 0
        self.refused_segments = 0
        self._debts = debts or Debts()
        self._owed: deque[tuple[Wire, Tally]] = deque()
        self._refusing = self._losing = False
        self._outlet = outlet
        self._now = now
        self._witnesses = witnesses
        self._traceparent = call_context(spec.traceparent)
        self._ended = False

    def begin(self, worker: WorkerId, epoch: int, slot: str) -> None:
        """Opens the journal and tells the facts that came with the reservation."""
        spec = self.spec
        journal = Journal(spec=spec, worker=worker, epoch=epoch, began=self._now())
        self._outlet.open_call(spec.call, msgspec.json.encode(journal))
        for fact in opening_facts(spec, worker, epoch, slot):
            self.fact(fact)

    def resume(self, left: UnfinishedCall) -> None:
        """Goes on counting where a predecessor was cut off."""
        self.seq = left.last_seq
        self.segments = left.segments
        self.usage_records = left.usage_records

    def fact(self, fact: Message) -> None:
        """The next fact, from seq 1."""
        if self._ended:
            return
        seq = self.seq + 1
        wire = self._wire(f"{self.spec.call}-{seq}", fact, seq)
        if self._tell(wire, Tally(self.spec.call, seq=seq)):
            self.seq = seq
            self._seen(fact)

    def audio(self, segment: AudioSegment) -> None:
        """A segment of the recording."""
        if self._ended:
            return
        self._pay()
        wire = self._wire(f"{self.spec.call}-a-{segment.n}", segment, None)
        if self._accepted(wire, Tally(self.spec.call, segments=1)):
            self.segments += 1
        else:
            self.refused_segments += 1
            self._debts.lost.segments += 1

    def usage(self, used: UsageMeasured) -> None:
        """Something billable. The same (meter, record) has the same id: it counts once."""
        if used.quantity <= 0 or self._ended:
            return
        tally = Tally(self.spec.call, usage_records=1, totals=int(used.record == TOTAL))
        ident = f"{self.spec.call}-u-{used.meter}-{used.record}"
        if self._tell(self._wire(ident, used, None), tally):
            self.usage_records += 1

    def end(self, ended: CallEnded) -> bool:
        """The end, once; its counts are what was accepted before it. False: try again later."""
        if self._ended or not self._pay():
            return self._ended
        told = msgspec.structs.replace(
            ended,
            last_seq=self.seq,
            segments=self.segments,
            usage_records=self.usage_records,
            refused_segments=self.refused_segments,
        )
        call = self.spec.call
        wire = self._wire(f"{call}-end", told, self.seq + 1)
        self._ended = self._accepted(wire, Tally(call, seq=self.seq, closes=True))
        if self._ended:
            self._seen(told)
        return self._ended

    def fall_silent(self) -> None:
        """Somebody else speaks for the call: nothing more is told, here or by a successor."""
        if not self._ended:
            self._ended = True
            while self._owed:
                self._debts.owed.forgive(self._owed.popleft()[0])
            self._outlet.close_call(self.spec.call)

    async def on_disk(self) -> None:
        """Returns once everything told so far outlives this process."""
        await self._outlet.flush()

    def _seen(self, fact: Message) -> None:
        for witness in self._witnesses:
            witness.fact(fact)

    def _tell(self, wire: Wire, tally: Tally) -> bool:
        """Now, or once the spool takes it; False when it never will be told."""
        if self._pay() and self._accepted(wire, tally):
            return True
        if self._refusing and self._may_wait(wire):
            self._owed.append((wire, tally))
            self._debts.owed.add(wire)
            return True
        self._debts.lost.messages += 1
        if not self._losing:
            self._losing = True
            _log.error("facts are lost", extra={"call": self.spec.call, "count": len(self._owed)})
        return False

    def _may_wait(self, wire: Wire) -> bool:
        """What no spool ever takes would hold up all that waits behind it, the end included."""
        room = len(self._owed) < MOST_OWED and self._debts.owed.has_room(wire)
        return room and len(wire.body) <= LARGEST

    def _pay(self) -> bool:
        """Tells what is owed, in order, as far as the spool takes it; whether all is told."""
        while self._owed and self._accepted(*self._owed[0]):
            self._debts.owed.forgive(self._owed.popleft()[0])
        return not self._owed

    def _wire(self, ident: str, data: Message, seq: int | None) -> Wire:
        spec = self.spec
        envelope = Envelope(
            id=ident,
            tenant=spec.tenant,
            key=spec.call,
            time=self._now(),
            seq=seq,
            traceparent=self._traceparent,
        )
        return to_wire(Event(envelope, data), raw=seq is not None)

    def _accepted(self, wire: Wire, tally: Tally) -> bool:
        what = {"call": self.spec.call, "event": wire.headers["ce-type"]}
        try:
            self._outlet.emit(wire.id, wire.subject, wire.headers, wire.body, tally)
        except Temporary as full:
            if not self._refusing:
                _log.error("the spool refuses", extra={**what, "reason": full.reason})
            self._refusing = True
            return False
        except ValueError:
            _log.error("a message is too large", extra={**what, "size": len(wire.body)})
            return False
        if self._refusing:
            _log.warning("the spool takes again", extra={**what, "count": len(self._owed)})
        self._refusing = self._losing = False
        return True
