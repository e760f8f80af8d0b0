"""What a call's session is made of, put together from what was reserved for the call."""

from dataclasses import dataclass

from callfunnel.domain.ids import WorkerId
from callfunnel.infra.bus import Bus
from callfunnel.infra.clock import unix_ns, utc_now
from callfunnel.infra.spans import Tracer
from callfunnel.infra.spool import Spool
from workers.media.debts import Debts
from workers.media.measures import Measures
from workers.media.models.line import OpenLine
from workers.media.registry import Registry
from workers.media.report import Reporter
from workers.media.session import Session
from workers.media.setting import LineSocket, Setting
from workers.media.slots import Reservation
from workers.media.spans import CallSpans
from workers.media.speaker import Speaker, Synthesizes
from workers.media.tools import BusErrands


@dataclass(frozen=True, kw_only=True)
class Beginnings:
    """One worker's: every call of it begins here, with the facts that came with its slot."""

    worker: WorkerId
    bus: Bus
    spool: Spool
    registry: Registry
    open_line: OpenLine
    voice: Synthesizes
    tracer: Tracer
    measures: Measures
    debts: Debts

    def reporter(self, of: Reservation) -> Reporter:
        """The single writer of the call; its first facts are told."""
        spec = of.spec
        seen = (self.measures, CallSpans(self.tracer, spec, unix_ns, unix_ns()))
        reporter = Reporter(spec, self.spool, utc_now, self.debts, witnesses=seen)
        reporter.begin(self.worker, of.epoch, spec.slot)
        return reporter

    def session(self, of: Reservation, socket: LineSocket) -> Session:
        """The call on its socket; it begins when the socket says so."""
        setting = Setting(
            spec=of.spec,
            rulebook=of.rulebook,
            open_line=self.open_line,
            reporter=self.reporter(of),
            errands=BusErrands(of.spec, of.epoch, self.bus, self.registry),
            speaker=Speaker(self.voice),
        )
        return Session(setting, socket)
