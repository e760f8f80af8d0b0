"""Bad company for a worker, as a program of its own, so that its noise costs the others nothing.

    python -m tests.simulators.rabble callers    # reads: manner, URL, signature, carrier call
    python -m tests.simulators.rabble model TEXT

`callers`: one for each line, until the worker closes the socket; an empty line is the last.
`model`: says TEXT and is faithful, but for agents of a certain name its sessions begin well and
then flood; its address is the first line it prints.
"""

import asyncio
import contextlib
import itertools
import json
import os
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from callfunnel.carrier.frames import Wire
from tests.simulators.openai_realtime import Script, Turn
from tests.simulators.openai_server import serve_model

CORPUS = Path(__file__).parents[1] / "fuzz" / "corpus"
ACCOUNT = "AC" + "0" * 32
CONTINUED, TEXT, PING = 0, 1, 9
Manner = Callable[[ClientConnection, Wire], Awaitable[None]]


def kept(name: str) -> Iterator[bytes]:
    """Every input that fuzzing has kept for a parser, without end."""
    return itertools.cycle([path.read_bytes() for path in sorted((CORPUS / name).iterdir())])


def frame(opcode: int, data: bytes, *, first: int = 0x80) -> bytes:
    """One frame, masked with zeros, however wrong; `first` are the bits beside the opcode."""
    if len(data) < 126:
        length = bytes([0x80 | len(data)])
    elif len(data) < 65_536:
        length = b"\xfe" + len(data).to_bytes(2, "big")
    else:
        length = b"\xff" + len(data).to_bytes(8, "big")
    return bytes([first | opcode]) + length + bytes(4) + data


async def corpus(socket: ClientConnection, _wire: Wire) -> None:
    inputs = kept("twilio_frames")
    for _ in range(20_000):
        await socket.send(next(inputs).decode("utf-8", "replace"))


async def raw(socket: ClientConnection, pieces: Iterator[bytes]) -> None:
    """Bytes below the level of messages, as fast as they are taken."""
    for number, piece in enumerate(itertools.islice(pieces, 60_000)):
        if socket.transport.is_closing():
            return
        socket.transport.write(piece)
        if number % 50 == 49:
            await socket.drain()


async def tiny_audio(socket: ClientConnection, wire: Wire) -> None:
    await raw(socket, itertools.repeat(frame(TEXT, wire.media(b"\xff").encode())))


async def unknown_events(socket: ClientConnection, _wire: Wire) -> None:
    await raw(socket, itertools.repeat(frame(TEXT, b'{"event":"x"}')))


async def large_nonsense(socket: ClientConnection, _wire: Wire) -> None:
    text = json.dumps({"event": "x", "y": [[0]] * 7_000}).encode()
    await raw(socket, itertools.repeat(frame(TEXT, text)))


async def marks(socket: ClientConnection, wire: Wire) -> None:
    names = (wire.mark(f"g{n}-1").encode() for n in itertools.count())
    await raw(socket, (frame(TEXT, name) for name in names))


async def pings(socket: ClientConnection, _wire: Wire) -> None:
    await raw(socket, itertools.repeat(frame(PING, b"p" * 100)))


async def oversized(socket: ClientConnection, _wire: Wire) -> None:
    await raw(socket, iter([frame(TEXT, b"x" * 70_000)] * 4))


async def fragments(socket: ClientConnection, _wire: Wire) -> None:
    pieces = [frame(TEXT, b'{"event":', first=0), frame(CONTINUED, b'"stop"}')]
    await raw(socket, iter(pieces * 50))


async def wrong_opcodes(socket: ClientConnection, _wire: Wire) -> None:
    await raw(socket, iter([frame(opcode, b"x") for opcode in (3, 7, 11, 15)]))


async def reserved_bits(socket: ClientConnection, _wire: Wire) -> None:
    await raw(socket, iter([frame(TEXT, b"{}", first=0xC0)] * 4))


async def patient(socket: ClientConnection, wire: Wire) -> None:
    """Faithful for four seconds: the model is what is wrong with this call."""
    for _ in range(200):
        await socket.send(wire.media(b"\xff" * 160))
        await asyncio.sleep(0.02)


async def no_frames(socket: ClientConnection, _wire: Wire) -> None:
    await raw(socket, iter([os.urandom(4096) for _ in range(50)]))


MANNERS: dict[str, Manner] = {
    each.__name__: each
    for each in (
        corpus, tiny_audio, unknown_events, large_nonsense, marks, pings, oversized, fragments,
        wrong_opcodes, reserved_bits, no_frames, patient,
    )
}  # fmt: skip


async def caller(line: str) -> None:
    manner, url, signature, carrier_call = line.split()
    headers = {"X-Twilio-Signature": signature}
    wire = Wire("MZ" + carrier_call[2:], carrier_call, ACCOUNT)
    with contextlib.suppress(ConnectionClosed, InvalidStatus, OSError):
        async with connect(url, additional_headers=headers, compression=None) as socket:
            await socket.send(wire.connected())
            await socket.send(wire.start({}))
            await MANNERS[manner](socket, wire)
            async with asyncio.timeout(10):
                await socket.wait_closed()


async def callers() -> None:
    async with asyncio.TaskGroup() as all_of_them:
        while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
            all_of_them.create_task(caller(line))


async def flood(socket: ServerConnection) -> None:
    """The session is as asked; then events by the thousand, read or not."""
    form = {"format": {"type": "audio/pcmu"}}
    ready: dict[str, Any] = {"audio": {"input": form, "output": form}}
    await socket.send(json.dumps({"type": "session.updated", "session": ready}))
    created = {"type": "response.created", "response": {"id": "r"}}
    await socket.send(json.dumps(created))
    inputs = kept("openai_frames")
    text = {"type": "response.output_audio_transcript.delta", "response_id": "r", "delta": "x"}
    large = json.dumps({"type": "x", "y": [[0]] * 100_000})
    for number in range(100_000):
        await socket.send(json.dumps({**text, "item_id": f"i{number}"}))
        if number % 500 == 499:
            await socket.send(large)
    for _ in range(100):
        await socket.send(next(inputs).decode("utf-8", "replace"))


async def model(text: str) -> None:
    script = Script(deque([Turn(text=text)]))
    async with serve_model(script, others=flood) as serving:
        sys.stdout.write(serving.base_url + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    os.nice(19)  # what they send is to be felt, not how busy they make the machine
    asyncio.run(model(sys.argv[2]) if sys.argv[1] == "model" else callers())
