"""A call as its worker would tell it: facts with a seq, audio segments, usage, one end."""

from dataclasses import dataclass, field
from typing import Any

from callfunnel.domain.call import Cause, Channel, Direction, EndedBy
from callfunnel.domain.ids import TenantId
from callfunnel.events.audio import AudioSegment
from callfunnel.events.call import (
    AgentSpoke,
    CallConnected,
    CallEnded,
    CallerSpoke,
    CallOffered,
)
from callfunnel.events.envelope import Envelope, Event
from callfunnel.events.message import Message
from callfunnel.events.usage import UsageMeasured
from callfunnel.infra.bus import Bus
from callfunnel.infra.clock import fresh_id, utc_now

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SEGMENT = 8000


@dataclass
class MadeUpCall:
    """Collects what a call tells; `publish` tells it."""

    tenant: TenantId
    call: str = field(default_factory=lambda: fresh_id("c"))
    facts: list[Event[Any]] = field(default_factory=list)
    audio: list[Event[Any]] = field(default_factory=list)
    usage: list[Event[Any]] = field(default_factory=list)

    def event(self, id: str, data: Message, seq: int | None = None) -> Event[Any]:
        envelope = Envelope(
            id=id, tenant=self.tenant, key=self.call, time=utc_now(), seq=seq, traceparent=TRACE
        )
        return Event(envelope, data)

    def fact(self, data: Message) -> Event[Any]:
        seq = len(self.facts) + 1
        told = self.event(f"{self.call}-{seq}", data, seq)
        self.facts.append(told)
        return told

    def begin(self) -> None:
        self.fact(
            CallOffered(
                direction=Direction.INBOUND,
                channel=Channel.TWILIO,
                carrier_call_id="CA1",
                caller="+15550102345",
                callee="+15550100001",
                agent="home-internet",
            )
        )
        self.fact(
            CallConnected(codec="ulaw", rulebook="home-internet", rulebook_version=3, recorded=True)
        )

    def says(self, text: str) -> None:
        self.fact(CallerSpoke(turn=1, text=text, start_ms=0, end_ms=900))

    def answers(self, text: str) -> None:
        self.fact(
            AgentSpoke(turn=1, text=text, start_ms=0, heard_ms=9, generated_ms=9, interrupted=False)
        )

    def segment(self, caller: int = 0xFF, agent: int = 0xFF) -> None:
        n = len(self.audio)
        data = AudioSegment(
            n=n, start=n * SEGMENT, caller=bytes([caller]) * SEGMENT, agent=bytes([agent]) * SEGMENT
        )
        self.audio.append(self.event(f"{self.call}-a-{n}", data))

    def used(
        self, meter: str, quantity: int, unit: str = "ms", record: str = "total", **of: str
    ) -> None:
        """One record: the platform's own, unless `of` names a provider, a model and a source."""
        told = {"provider": "callfunnel", "model": "", "source": "measured"} | of
        data = UsageMeasured(meter=meter, quantity=quantity, unit=unit, record=record, **told)
        self.usage.append(self.event(f"{self.call}-u-{meter}-{record}", data))

    def ended(self, **changes: Any) -> Event[Any]:
        told = {
            "cause": Cause.CALLER_HANGUP,
            "by": EndedBy.CALLER,
            "duration_ms": len(self.audio) * 1000,
            "last_seq": len(self.facts),
            "segments": len(self.audio),
            "usage_records": len(self.usage),
            "answered": True,
        }
        return self.event(f"{self.call}-end", CallEnded(**told | changes), len(self.facts) + 1)


def whole_call(tenant: TenantId, seconds: int = 2, facts: int = 4) -> MadeUpCall:
    """An ordinary call, not told yet."""
    call = MadeUpCall(tenant)
    call.begin()
    for n in range(facts - 2):
        call.says(f"this is sentence {n}")
    for _ in range(seconds):
        call.segment()
    call.used("call.ms", seconds * 1000)
    call.used("tool.calls", 1, "count", "tc_1")
    return call


async def tell(bus: Bus, call: MadeUpCall, *ends: Event[Any]) -> None:
    """Everything of a call, then its end."""
    await bus.publish(*call.facts, raw=True)
    await bus.publish(*call.audio, *call.usage)
    await bus.publish(*ends, raw=True)
