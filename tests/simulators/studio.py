"""Whole calls in memory and in virtual time: the real session between the two simulators.

Nothing is replaced but the sockets: the carrier's frames go through the real dialect, the model's
events through the real conversation, and every decision through the real core.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosedError

from callfunnel.carrier.caller import Manners as CallerManners
from callfunnel.carrier.caller import Turn as CallerTurn
from callfunnel.domain.call import CallSpec
from callfunnel.domain.rulebook import PublishedRulebook, Rulebook
from callfunnel.infra.clock import utc_now
from tests.simulators import virtual_time
from tests.simulators.openai_realtime import FakeSession, Script
from tests.simulators.room import (
    ACCOUNT,
    AUTH_TOKEN,
    CARRIER_CALL,
    WORKER,
    FakeErrands,
    Mouth,
    Told,
    rulebook,
    spec,
)
from tests.simulators.twilio_peer import Hostility, Leg, Outcome, Peer
from workers.media.channels.dialect import MAX_FRAME, Frame
from workers.media.models.line import CallContext, Capabilities, ModelSink
from workers.media.models.openai.conversation import Conversation
from workers.media.models.openai.wire import append
from workers.media.report import Reporter
from workers.media.session import Session
from workers.media.setting import Setting
from workers.media.speaker import Speaker

QUICK = CallerManners(answer_after=300, patience=3_000, hangup_after=1_500, longest=60_000)


class MemorySocket:
    """Both ends of a media socket: the worker's (`send` of frames) and the carrier's."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._to_carrier: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._closed = asyncio.Event()
        self.session: Session | None = None
        self.close_code: int | None = None
        self.frames: list[Frame] = []

    @property
    def worker(self) -> "WorkerEnd":
        return WorkerEnd(self)

    @property
    def transport(self) -> "MemorySocket":
        return self

    def abort(self) -> None:
        self.shut(1006)

    async def send(self, message: str | bytes) -> None:
        if self.close_code is not None or self.session is None:
            raise ConnectionClosedError(None, None)
        data = message.encode() if isinstance(message, str) else message
        if len(data) > MAX_FRAME:
            self.shut(1009)
        else:
            self._loop.call_soon(self.session.on_frame, isinstance(message, bytes), data)
        await asyncio.sleep(0)

    async def close(self) -> None:
        self.shut(1000)

    async def wait_closed(self) -> None:
        await self._closed.wait()

    def shut(self, code: int) -> None:
        if self.close_code is None and self.session is not None:
            self.close_code = code
            self._closed.set()
            self._to_carrier.put_nowait(None)
            self._loop.call_soon(self.session.on_closed)

    def from_worker(self, frame: Frame) -> None:
        if self.close_code is None:
            self.frames.append(frame)
            self._to_carrier.put_nowait(frame.data if frame.binary else frame.data.decode())

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        while (message := await self._to_carrier.get()) is not None:
            yield message


class WorkerEnd:
    """`LineSocket` over memory."""

    def __init__(self, socket: MemorySocket) -> None:
        self._socket = socket

    def send(self, frame: Frame) -> None:
        self._socket.from_worker(frame)

    def close(self) -> None:
        self._socket.shut(1000)


class MemoryLine:
    """The real conversation with the fake model, without a socket between them."""

    provider = "openai"
    model = "gpt-realtime-test"
    capabilities = Capabilities(
        owns_turns=True, truncates=True, speaks_text=True, max_session_s=3600
    )

    def __init__(self, context: CallContext, sink: ModelSink, script: Script) -> None:
        self._loop = asyncio.get_running_loop()
        self._silent = script.manners.handshake_status != 0
        self.fake = FakeSession(script, self._arrives, self._closes, self.model)
        self.talk = Conversation(
            context.rulebook, sink, self._send, model=self.model, transcription="gpt-transcribe"
        )
        self.create_reply = self.talk.create_reply
        self.cancel = self.talk.cancel
        self.truncate = self.talk.truncate
        self.answer_tool = self.talk.answer_tool
        self.tell = self.talk.tell

    async def open(self, timeout_s: float) -> None:
        await asyncio.sleep(0.05)
        if self._silent:
            self.talk.fail("refused with status 503")
        self.fake.open()

    def say(self, key: str, text: str) -> bool:
        self.talk.say(key, text)
        return True

    def append(self, payload: bytes, ulaw: bytes) -> None:
        if self.talk.ready:
            self._send(append(payload))

    async def close(self) -> None:
        for _ in range(10):
            if self.talk.speaks:
                await asyncio.sleep(0.03)
        self.fake.stop()

    def _send(self, message: bytes) -> None:
        self._loop.call_soon(self.fake.receive, message)

    def _arrives(self, text: str) -> None:
        self._loop.call_soon(self.talk.arrived, text.encode())

    def _closes(self, code: int, reason: str) -> None:
        self._loop.call_soon(self.talk.fail, "session_expired" if code == 1001 else "closed")


@dataclass
class Take:
    """What a call in the studio left behind."""

    outcome: Outcome
    told: Told
    errands: FakeErrands
    mouth: Mouth
    model: FakeSession
    socket: MemorySocket


@dataclass
class Scene:
    """A call to be played."""

    script: Script = field(default_factory=Script)
    book: Rulebook = field(default_factory=rulebook)
    turns: Sequence[CallerTurn] = ()
    manners: CallerManners = QUICK
    hostility: Hostility = field(default_factory=Hostility)
    errands: FakeErrands = field(default_factory=FakeErrands)
    spec: CallSpec = field(default_factory=spec)
    told: Told = field(default_factory=Told)


def play(scene: Scene) -> Take:
    """Plays the call to its end, in virtual time."""
    return virtual_time.run(_play(scene))


@dataclass
class Stage:
    """A session that has begun, and everything around it."""

    session: Session
    socket: MemorySocket
    told: Told
    mouth: Mouth
    lines: list[MemoryLine]


def raise_curtain(scene: Scene) -> Stage:
    """The carrier's socket was accepted; nothing was said yet."""
    lines: list[MemoryLine] = []
    told, mouth, socket = scene.told, Mouth(), MemorySocket()

    def open_line(context: CallContext, sink: ModelSink) -> Any:
        lines.append(MemoryLine(context, sink, scene.script))
        return lines[-1]

    reporter = Reporter(scene.spec, told, utc_now)
    reporter.begin(WORKER, 7, scene.spec.slot)
    setting = Setting(
        spec=scene.spec,
        rulebook=PublishedRulebook(
            version=3, digest="d", published_at=utc_now(), rulebook=scene.book
        ),
        open_line=open_line,
        reporter=reporter,
        errands=scene.errands,
        speaker=Speaker(mouth),
    )
    session = Session(setting, socket.worker)
    socket.session = session
    session.begin()
    return Stage(session, socket, told, mouth, lines)


async def _play(scene: Scene) -> Take:
    stage = raise_curtain(scene)
    peer = Peer("", CARRIER_CALL, ACCOUNT, AUTH_TOKEN, scene.turns, scene.manners, scene.hostility)
    outcome = Outcome()
    await Leg(peer, stage.socket, outcome).run()
    async with asyncio.timeout(120):
        await stage.session.done
    model = stage.lines[0].fake
    return Take(outcome, stage.told, scene.errands, stage.mouth, model, stage.socket)
