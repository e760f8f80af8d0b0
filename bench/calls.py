"""What a call costs a media worker over real sockets: `python bench/calls.py [calls] [seconds]`.

Three processes on this machine: the worker (real door, sessions, OpenAI line, spool on disk), a
model that talks half of the time, and the callers. Reported is the worker's own CPU time, which
other load on the machine does not change much, and how late its frames left.
"""

import asyncio
import base64
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import picows

from callfunnel.carrier.signature import signature
from callfunnel.domain.ids import CallId
from callfunnel.domain.rulebook import PublishedRulebook
from callfunnel.infra.clock import utc_now
from callfunnel.infra.service import run
from callfunnel.infra.spool import Spool
from tests.simulators.room import AUTH_TOKEN, WORKER, FakeErrands, Mouth, rulebook, spec
from tests.simulators.sounds import tone
from workers.media.models.openai.line import openai_lines
from workers.media.report import Reporter
from workers.media.server import CarrierSocket, Door, listen
from workers.media.session import Session
from workers.media.setting import Setting
from workers.media.slots import Reservation, Slots
from workers.media.speaker import Speaker
from workers.media.strain import freeze

PUBLIC = "https://phone.example.com"
TEXT = picows.WSMsgType.TEXT
DELTA = base64.b64encode(tone(100, 250)).decode()
TALK_S = 4.0


class Model(picows.WSListener):
    """Talks four seconds, is silent for four, at twice real time, until it is hung up on."""

    def on_ws_connected(self, transport: Any) -> None:
        self._transport = transport
        self._send("session.created", session={})

    def on_ws_frame(self, _transport: Any, frame: Any) -> None:
        data = frame.get_payload_as_bytes()
        if frame.msg_type == TEXT and data.startswith(b'{"type":"session.update"'):
            session = json.loads(data)["session"]
            self._send("session.updated", session={**session, "model": "bench"})
            self._talking = asyncio.get_running_loop().create_task(self._talk())
        elif frame.msg_type == TEXT and data.startswith(b'{"type":"response.create"'):
            self._greet(json.loads(data)["response"]["metadata"])
        elif frame.msg_type == picows.WSMsgType.CLOSE:
            self._transport.disconnect()

    def on_ws_disconnected(self, _transport: Any) -> None:
        if hasattr(self, "_talking"):
            self._talking.cancel()

    def _greet(self, metadata: dict[str, str]) -> None:
        greeting = {"id": "greeting", "metadata": metadata}
        self._send("response.created", response=greeting)
        self._delta("greeting")
        self._send("response.done", response={**greeting, "status": "completed"})

    def _delta(self, reply: str) -> None:
        kind = "response.output_audio.delta"
        self._send(kind, response_id=reply, item_id=f"item-{reply}", delta=DELTA)

    async def _talk(self) -> None:
        await asyncio.sleep(0.5)
        for n in itertools.count():
            response = {"id": f"r{n}", "status": "in_progress"}
            self._send("response.created", response=response)
            for _ in range(int(TALK_S * 10)):
                self._delta(f"r{n}")
                await asyncio.sleep(0.05)
            self._send("response.done", response={**response, "status": "completed"})
            await asyncio.sleep(TALK_S * 1.5)

    def _send(self, kind: str, **fields: Any) -> None:
        self._transport.send(TEXT, json.dumps({"type": kind, **fields}))


async def serve_model() -> int:
    server = await picows.ws_create_server(lambda _request: Model(), "127.0.0.1", 0)
    _announce({"port": server.sockets[0].getsockname()[1]})
    await asyncio.to_thread(sys.stdin.read)
    return 0


async def serve_worker(calls: int, model_port: int, folder: str) -> int:
    """The worker; told to stop by its input, it reports what it used."""
    spool = await Spool.open(Path(folder))
    lines = openai_lines(f"http://127.0.0.1:{model_port}/v1", "sk", "bench", "bench")
    silence = {"after_ms": 3_600_000, "prompts": [], "farewell": "Bye."}
    book = PublishedRulebook(
        version=1, digest="", published_at=utc_now(), rulebook=rulebook(silence=silence)
    )
    slots = Slots(calls)

    def connect(held: Reservation, socket: CarrierSocket) -> Session:
        reporter = Reporter(held.spec, spool, utc_now)
        reporter.begin(WORKER, 1, held.spec.slot)
        setting = Setting(
            spec=held.spec,
            rulebook=book,
            open_line=lines,
            reporter=reporter,
            errands=FakeErrands(),
            speaker=Speaker(Mouth()),
        )
        return Session(setting, socket)

    for n in range(calls):
        call = spec(call=CallId(f"c_{n:026d}"), carrier_call_id=f"CA{n}")
        held = Reservation(spec=call, rulebook=book, epoch=1, secret=AUTH_TOKEN, expires=1e12)
        slots.reserve(held, f"token-{n}")
    server = await listen(Door(WORKER, PUBLIC, slots, connect), "127.0.0.1", 0)
    freeze()
    _announce({"port": server.sockets[0].getsockname()[1]})
    await asyncio.to_thread(sys.stdin.readline)
    began, began_cpu = time.monotonic(), time.process_time()
    await asyncio.to_thread(sys.stdin.readline)
    spent = time.process_time() - began_cpu
    wall = time.monotonic() - began
    _announce({"cpu": spent, "wall": wall, "rss": _resident()})
    return 0


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


class Caller(picows.WSListener):
    """Sends a frame every 20 ms and notes when the agent's frames come."""

    def __init__(self, number: int, late: list[float]) -> None:
        self._number = number
        self._late = late
        self._plays_until = 0.0
        self.frames = 0
        self.closed = False

    def on_ws_connected(self, transport: Any) -> None:
        self._transport = transport
        head = {"streamSid": f"MZ{self._number}", "accountSid": spec().carrier_account}
        form = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
        start = {**head, "callSid": f"CA{self._number}", "mediaFormat": form}
        transport.send(TEXT, json.dumps({"event": "start", **head, "start": start}))

    def on_ws_frame(self, _transport: Any, frame: Any) -> None:
        data = frame.get_payload_as_bytes()
        if frame.msg_type != TEXT:
            self.closed = self.closed or frame.msg_type == picows.WSMsgType.CLOSE
        elif b'"event":"media"' in data[:24]:
            now = asyncio.get_running_loop().time()
            if 0.001 < now - self._plays_until < 0.3:  # longer is a pause of the model
                self._late.append(now - self._plays_until)
            self._plays_until = max(now, self._plays_until) + 0.02
            self.frames += 1
        elif b'"event":"mark"' in data[:24]:
            self._transport.send(TEXT, data)

    def on_ws_disconnected(self, _transport: Any) -> None:
        self.closed = True

    def media(self, frame: bytes) -> None:
        if not self.closed:
            self._transport.send(TEXT, frame)

    def hang_up(self) -> None:
        self._transport.disconnect()


async def generate(calls: int, seconds: int, port: int) -> int:
    late: list[float] = []
    callers = [Caller(n, late) for n in range(calls)]
    for n, caller in enumerate(callers):
        path = f"/media/{WORKER}/token-{n}"
        signed = {"X-Twilio-Signature": signature(AUTH_TOKEN, f"wss://phone.example.com{path}")}
        await picows.ws_connect(
            lambda caller=caller: caller, f"ws://127.0.0.1:{port}{path}", extra_headers=signed
        )
    payload = base64.b64encode(b"\xff" * 160).decode()
    frame = json.dumps(
        {
            "event": "media",
            "sequenceNumber": "2",
            "media": {"track": "inbound", "chunk": "1", "timestamp": "20", "payload": payload},
            "streamSid": "MZ",
        },
        separators=(",", ":"),
    ).encode()
    loop = asyncio.get_running_loop()
    _announce({"connected": calls})
    began = loop.time()
    for step in range(seconds * 50):
        for caller in callers:
            caller.media(frame)
        await asyncio.sleep(began + (step + 1) * 0.02 - loop.time())
    frames = sum(caller.frames for caller in callers)
    alive = sum(not caller.closed for caller in callers)
    for caller in callers:
        caller.hang_up()
    _announce({"frames": frames, "alive": alive, "gaps": [round(each * 1000, 2) for each in late]})
    return 0


def main(calls: int = 50, seconds: int = 15) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = _spawn("model")
        worker = _spawn("worker", str(calls), str(_heard(model)["port"]), folder)
        callers = _spawn("callers", str(calls), str(seconds), str(_heard(worker)["port"]))
        _heard(callers)
        _say(worker)
        seen = _heard(callers)
        _say(worker)
        used = _heard(worker)
        for each in (model, worker, callers):
            each.communicate()
    print(f"{calls} calls for {seconds} s, {seen['alive']} of them to the end")
    print(f"CPU of the worker  {used['cpu'] * 1000 / used['wall'] / calls:6.2f} ms per call-second")
    print(f"memory             {used['rss'] / 1e6:6.0f} MB")
    print(f"frames to callers  {seen['frames']}")
    late = sorted(seen["gaps"])
    middle = f", median {statistics.median(late):.1f} ms" if late else ""
    far = sum(gap > 60 for gap in late)
    print(f"late frames        {len(late)}{middle}, over 60 ms: {far}")


def _spawn(*role: str) -> "subprocess.Popen[str]":
    here = [sys.executable, __file__, "--role", *role]
    return subprocess.Popen(here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _heard(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


def _say(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _announce(facts: dict[str, Any]) -> None:
    print(json.dumps(facts), flush=True)


def play(role: str, *words: str) -> int:
    match role:
        case "model":
            return run(serve_model())
        case "worker":
            return run(serve_worker(int(words[0]), int(words[1]), words[2]))
        case _:
            return run(generate(int(words[0]), int(words[1]), int(words[2])))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--role"]:
        sys.exit(play(*sys.argv[2:]))
    main(*(int(word) for word in sys.argv[1:3]))
