"""A media worker without a bus: the real door, sessions and model line, and a list for a spool."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from callfunnel.domain.call import CallSpec, Channel, Direction
from callfunnel.domain.ids import CallId, TenantId, WorkerId
from callfunnel.domain.rulebook import PublishedRulebook, Rulebook
from callfunnel.events.audio import AudioSegment
from callfunnel.events.call import CallEnded
from callfunnel.events.envelope import Event, from_wire
from callfunnel.events.message import Message
from callfunnel.events.usage import UsageMeasured
from callfunnel.infra.clock import utc_now
from callfunnel.infra.speech import Speech
from workers.media.core import inputs, outputs
from workers.media.models.line import OpenLine
from workers.media.report import Reporter
from workers.media.server import CarrierSocket, Door, listen
from workers.media.session import Session
from workers.media.setting import Setting
from workers.media.slots import Reservation, Slots
from workers.media.speaker import Speaker

TENANT = TenantId("demo")
CALL = CallId("c_" + "a" * 26)
ACCOUNT = "AC" + "0" * 32
CARRIER_CALL = "CA" + "1" * 32
AUTH_TOKEN = "auth-token"
WORKER = WorkerId("media-1")
TOKEN = "token-1"


def rulebook(**changes: Any) -> Rulebook:
    """A small rule book; `changes` are fields of it."""
    fields: dict[str, Any] = {
        "agent": "home-internet",
        "persona": {"name": "Robin", "company": "Home Internet"},
        "greeting": "Hello and welcome.",
    }
    return msgspec.convert({**fields, **changes}, Rulebook)


def spec(**changes: Any) -> CallSpec:
    """The call every test takes."""
    fields: dict[str, Any] = {
        "tenant": TENANT,
        "call": CALL,
        "channel": Channel.TWILIO,
        "direction": Direction.INBOUND,
        "carrier_call_id": CARRIER_CALL,
        "carrier_account": ACCOUNT,
        "caller": "+15550100002",
        "callee": "+15550100001",
        "agent": "home-internet",
        "rulebook_version": 3,
        "offered_at": utc_now(),
        "slot": "demo.0",
        "slot_revision": 1,
    }
    return CallSpec(**{**fields, **changes})


class Told:
    """What the worker told the platform, decoded from the wire as a consumer would."""

    def __init__(self) -> None:
        self.events: list[Event[Any]] = []
        self.subjects: list[str] = []
        self.journal: list[str] = []

    def emit(
        self, id: str, subject: str, headers: dict[str, str], body: bytes, tally: Any = None
    ) -> None:
        self.events.append(from_wire(headers, body, subject))
        self.subjects.append(subject)
        if tally is not None and tally.closes:
            self.journal.append("closed")

    def open_call(self, call_id: str, document: bytes) -> None:
        self.journal.append("opened")

    def close_call(self, call_id: str) -> None:
        self.journal.append("closed")

    async def flush(self) -> None:
        """A list is on no disk."""

    def facts(self, *kinds: type[Message]) -> list[Any]:
        """The facts of the call in order, or those of some classes."""
        found = [each.data for each in self.events if each.envelope.seq is not None]
        return [each for each in found if isinstance(each, kinds)] if kinds else found

    @property
    def end(self) -> CallEnded:
        (end,) = self.facts(CallEnded)
        assert isinstance(end, CallEnded)
        return end

    def usage(self) -> dict[str, int]:
        """Quantities by meter."""
        totals: dict[str, int] = {}
        for each in self.events:
            if isinstance(each.data, UsageMeasured):
                totals[each.data.meter] = totals.get(each.data.meter, 0) + each.data.quantity
        return totals

    def recording(self) -> tuple[bytes, bytes]:
        """Caller and agent, joined."""
        segments = [each.data for each in self.events if isinstance(each.data, AudioSegment)]
        return (b"".join(s.caller for s in segments), b"".join(s.agent for s in segments))


@dataclass
class FakeErrands:
    """Answers tools at once from a table; collects what the registry would be told."""

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    ran: list[outputs.RunTool] = field(default_factory=list)
    watched: list[outputs.WatchApproval] = field(default_factory=list)
    ends: list[tuple[outputs.End, str]] = field(default_factory=list)
    tell: Callable[[inputs.Input], None] | None = None

    def run_tool(self, wanted: outputs.RunTool, tell: Callable[[inputs.Input], None]) -> None:
        self.ran.append(wanted)
        self.tell = tell
        if wanted.name in self.answers:
            result = self.answers[wanted.name]
            tell(inputs.ToolAnswered(wanted.tool_call, "done", result))

    def watch_approval(
        self, wanted: outputs.WatchApproval, tell: Callable[[inputs.Input], None]
    ) -> None:
        self.watched.append(wanted)
        self.tell = tell

    async def ended(self, end: outputs.End, dial: str) -> None:
        self.ends.append((end, dial))

    def stop(self) -> None:
        """Nothing is under way."""


class Mouth:
    """A synthesizer without espeak: 50 ms of tone a letter."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def synthesize(self, text: str) -> Speech:
        self.said.append(text)
        await asyncio.sleep(0)
        ulaw = b"\x20\xa0" * (200 * len(text))
        return Speech(text, ulaw, ())


@dataclass
class Room:
    """A running worker."""

    url: str
    slots: Slots
    told: Told
    errands: FakeErrands
    mouth: Mouth
    sessions: list[Session]
    door: Door


@contextlib.asynccontextmanager
async def open_room(
    open_line: OpenLine, book: Rulebook | None = None, call: CallSpec | None = None
) -> AsyncIterator[Room]:
    """A worker with one reservation, on a free port of the loopback."""
    told, errands, mouth = Told(), FakeErrands(), Mouth()
    sessions: list[Session] = []
    slots = Slots(2)

    def connect(reservation: Reservation, socket: CarrierSocket) -> Session:
        reporter = Reporter(reservation.spec, told, utc_now)
        reporter.begin(WORKER, reservation.epoch, reservation.spec.slot)
        setting = Setting(
            spec=reservation.spec,
            rulebook=reservation.rulebook,
            open_line=open_line,
            reporter=reporter,
            errands=errands,
            speaker=Speaker(mouth),
        )
        sessions.append(Session(setting, socket))
        return sessions[-1]

    loop = asyncio.get_running_loop()
    published = PublishedRulebook(
        version=3, digest="d", published_at=utc_now(), rulebook=book or rulebook()
    )
    reservation = Reservation(
        spec=call or spec(),
        rulebook=published,
        epoch=7,
        secret=AUTH_TOKEN,
        expires=loop.time() + 30,
    )
    slots.reserve(reservation, TOKEN)
    door = Door(WORKER, "https://phone.example.com", slots, connect)
    server = await listen(door, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"ws://127.0.0.1:{port}/media/{WORKER}/{TOKEN}"
    try:
        yield Room(url, slots, told, errands, mouth, sessions, door)
    finally:
        server.close()
        await server.wait_closed()
