"""What one call's audio costs the media worker, without sockets.

The real session, dialect, VAD, recorder, playout and OpenAI framing on a clock that jumps; the two
sockets are replaced by functions that do nothing.
"""

import asyncio
import base64
import time
from typing import Any

from bench.harness.cores import apart, pin
from bench.harness.run import Run
from callfunnel.domain.rulebook import PublishedRulebook
from callfunnel.infra.clock import utc_now
from tests.simulators import virtual_time
from tests.simulators.room import ACCOUNT, CARRIER_CALL, FakeErrands, Mouth, Told, rulebook, spec
from tests.simulators.sounds import tone
from workers.media.channels.dialect import Frame
from workers.media.core import inputs
from workers.media.models.line import CallContext, Capabilities, ModelSink
from workers.media.models.openai import wire
from workers.media.report import Reporter
from workers.media.session import Session
from workers.media.setting import Setting
from workers.media.speaker import Speaker

SECONDS = 60
FRAMES = SECONDS * 50


class NoSocket:
    """Takes frames and forgets them."""

    def __init__(self) -> None:
        self.frames = 0

    def send(self, _frame: Frame) -> None:
        self.frames += 1

    def close(self) -> None:
        """Nothing is open."""


class NoModel:
    """Frames each append as the OpenAI line does, and says nothing by itself."""

    provider = "bench"
    model = "bench"
    capabilities = Capabilities(owns_turns=True, truncates=True, speaks_text=True, max_session_s=1)

    def __init__(self, sink: ModelSink) -> None:
        self.sink = sink
        self.appended = 0

    async def open(self, _timeout_s: float) -> None:
        self.sink.on_model(inputs.ModelReady("bench", "bench"))

    def append(self, payload: bytes, _ulaw: bytes) -> None:
        wire.append(payload)
        self.appended += 1

    def say(self, key: str, _text: str) -> bool:
        self.sink.on_model(inputs.ReplyDone(key, "completed"))
        return True

    def create_reply(self, instructions: str) -> None: ...
    def cancel(self, response: str) -> None: ...
    def truncate(self, item: str, heard_ms: int) -> None: ...
    def answer_tool(self, model_call: str, output: dict[str, Any]) -> None: ...
    def tell(self, text: str) -> None: ...
    async def close(self) -> None: ...


class Quiet(Told):
    """A spool that keeps nothing: its cost is measured by the bench `bus`."""

    def emit(self, *args: Any, **more: Any) -> None: ...


def session(socket: NoSocket) -> tuple[Session, list[NoModel]]:
    models: list[NoModel] = []

    def open_line(_context: CallContext, sink: ModelSink) -> NoModel:
        models.append(NoModel(sink))
        return models[-1]

    silence = {"after_ms": 3_600_000, "prompts": [], "farewell": "Bye."}
    book = rulebook(silence=silence)
    setting = Setting(
        spec=spec(),
        rulebook=PublishedRulebook(version=1, digest="", published_at="", rulebook=book),
        open_line=open_line,
        reporter=Reporter(spec(), Quiet(), utc_now),
        errands=FakeErrands(),
        speaker=Speaker(Mouth()),
    )
    return Session(setting, socket), models


def media(ulaw: bytes, number: int) -> bytes:
    payload = base64.b64encode(ulaw).decode()
    return (
        f'{{"event":"media","sequenceNumber":"{number}","media":{{"track":"inbound",'
        f'"chunk":"{number}","timestamp":"{number * 20}","payload":"{payload}"}},'
        f'"streamSid":"MZ1"}}'
    ).encode()


def start() -> bytes:
    return (
        f'{{"event":"start","streamSid":"MZ1","start":{{"streamSid":"MZ1","callSid":'
        f'"{CARRIER_CALL}","accountSid":"{ACCOUNT}","mediaFormat":{{"encoding":'
        f'"audio/x-mulaw","sampleRate":8000,"channels":1}}}}}}'
    ).encode()


async def caller_frames() -> float:
    """Microseconds of CPU per frame from the caller, half of them speech."""
    call, models = session(NoSocket())
    call.begin()
    call.on_frame(False, start())
    await asyncio.sleep(0.1)
    talk, quiet = tone(20, 250), b"\xff" * 160
    frames = [media(talk if n // 100 % 2 else quiet, n) for n in range(FRAMES)]
    began = time.process_time()
    for frame in frames:
        call.on_frame(False, frame)
        await asyncio.sleep(0.02)
    spent = time.process_time() - began
    assert models[0].appended > FRAMES * 0.9
    return (spent - await idle_loop()) / FRAMES * 1e6


async def agent_frames() -> float:
    """Microseconds of CPU per 20 ms frame to the caller, in deltas of 100 ms."""
    socket = NoSocket()
    call, _ = session(socket)
    call.begin()
    call.on_frame(False, start())
    await asyncio.sleep(0.1)
    delta = tone(100, 250)
    began = time.process_time()
    call.on_model(inputs.ReplyStarted("r"))
    for _ in range(FRAMES // 5):
        call.on_model_audio("r", "i", delta)
        await asyncio.sleep(0.1)
    spent = time.process_time() - began
    assert socket.frames > FRAMES
    return (spent - await idle_loop(FRAMES // 5)) / FRAMES * 1e6


async def idle_loop(turns: int = FRAMES) -> float:
    """What the loop itself costs in that many turns: no part of a call."""
    began = time.process_time()
    for _ in range(turns):
        await asyncio.sleep(0.02)
    return time.process_time() - began


def measure(run: Run) -> None:
    """CPU per frame, and what it makes of a call in which the agent talks half of the time."""
    times = 1 if run.quick else 5
    with apart() as core:
        pin(0, core)
        caller = min(virtual_time.run(caller_frames()) for _ in range(times))
        agent = min(virtual_time.run(agent_frames()) for _ in range(times))
    run.figure("caller frame in: decode, record, VAD, forward", caller, "us")
    run.figure("agent frame out: queue, pace, encode, record, echo", agent, "us")
    run.figure("audio path, CPU per call-second", (50 * caller + 25 * agent) / 1000, "ms")
