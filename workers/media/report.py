"""What a call tells the rest of the platform: facts numbered by their single writer, usage, audio.

Everything leaves through the spool, which never waits. A spool that refuses (full disk) is counted
and said; the call goes on, and its end is told with the numbers of what was accepted.
"""

import logging
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from callfunnel.domain.call import CallSpec
from callfunnel.domain.errors import Temporary
from callfunnel.domain.ids import WorkerId
from callfunnel.events.audio import AudioSegment
from callfunnel.events.call import CallEnded
from callfunnel.events.envelope import Envelope, Event, to_wire
from callfunnel.events.message import Message
from callfunnel.events.pinned import opening_facts
from callfunnel.events.usage import UsageMeasured
from callfunnel.infra.spool import Tally, UnfinishedCall
from callfunnel.infra.trace import child_of

_log: Final = logging.getLogger(__name__)


class Outlet(Protocol):
    """The part of the spool that a call needs."""

    def emit(
        self, id: str, subject: str, headers: dict[str, str], body: bytes, tally: Tally | None
    ) -> None: ...

    def open_call(self, call_id: str, document: bytes) -> None: ...

    def close_call(self, call_id: str) -> None: ...

    async def flush(self) -> None: ...


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """What a successor must know to end the call of a worker that died."""

    spec: CallSpec
    worker: WorkerId
    epoch: int
    began: str


class Reporter:
    """The single writer of one call. `now` gives RFC 3339 UTC."""

    def __init__(self, spec: CallSpec, outlet: Outlet, now: Callable[[], str]) -> None:
        self.spec = spec
        self.seq = 0
        self.segments = 0
        self.usage_records = 0
        self.refused = 0
        self._outlet = outlet
        self._now = now
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
        if self._send(f"{self.spec.call}-{seq}", fact, seq, Tally(self.spec.call, seq=seq)):
            self.seq = seq

    def audio(self, segment: AudioSegment) -> None:
        """A segment of the recording."""
        if self._ended:
            return
        tally = Tally(self.spec.call, segments=1)
        if self._send(f"{self.spec.call}-a-{segment.n}", segment, None, tally):
            self.segments += 1

    def usage(self, used: UsageMeasured) -> None:
        """Something billable. The same (meter, record) has the same id: it counts once."""
        if used.quantity <= 0 or self._ended:
            return
        tally = Tally(self.spec.call, usage_records=1)
        ident = f"{self.spec.call}-u-{used.meter}-{used.record}"
        if self._send(ident, used, None, tally):
            self.usage_records += 1

    def end(self, ended: CallEnded) -> bool:
        """The end, once; its counts are what was accepted before it. False: try again later."""
        if self._ended:
            return True
        told = msgspec.structs.replace(
            ended, last_seq=self.seq, segments=self.segments, usage_records=self.usage_records
        )
        seq = self.seq + 1
        call = self.spec.call
        self._ended = self._send(f"{call}-end", told, seq, Tally(call, seq=self.seq, closes=True))
        return self._ended

    def fall_silent(self) -> None:
        """Somebody else speaks for the call: nothing more is told, here or by a successor."""
        if not self._ended:
            self._ended = True
            self._outlet.close_call(self.spec.call)

    async def on_disk(self) -> None:
        """Returns once everything told so far outlives this process."""
        await self._outlet.flush()

    def _send(self, ident: str, data: Message, seq: int | None, tally: Tally) -> bool:
        spec = self.spec
        envelope = Envelope(
            id=ident,
            tenant=spec.tenant,
            key=spec.call,
            time=self._now(),
            seq=seq,
            traceparent=child_of(spec.traceparent),
        )
        wire = to_wire(Event(envelope, data), raw=seq is not None)
        try:
            self._outlet.emit(wire.id, wire.subject, wire.headers, wire.body, tally)
        except (Temporary, ValueError) as error:
            self.refused += 1
            what = {"call": spec.call, "event": type(data).__name__, "error": type(error).__name__}
            _log.error("the spool refused", extra=what)
            return False
        return True
