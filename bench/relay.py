"""What the gateway's media relay costs.

Three processes: callers, 50 frames of 160 bytes a second on each socket; the relay as the gateway
runs it, on a core of its own; a worker that echoes. Told is the relay process's CPU time alone.
"""

import asyncio
import socket
import sys
import time

import picows
import uvicorn
import uvloop

from bench.harness.cores import apart
from bench.harness.processes import Child, announce, cpu_s, end_with_starter
from bench.harness.run import Run
from gateway.relay import MediaRelay

WARM_S = 1.0
FRAME = bytes(160)
BINARY = picows.WSMsgType.BINARY


class Echo(picows.WSListener):
    """The worker."""

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == BINARY:
            transport.send(BINARY, frame.get_payload_as_bytes())


class Call(picows.WSListener):
    """One caller's socket."""

    def __init__(self) -> None:
        self.transport: picows.WSTransport | None = None
        self.heard = 0

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, _transport: picows.WSTransport, _frame: picows.WSFrame) -> None:
        self.heard += 1


async def work() -> None:
    server = await picows.ws_create_server(lambda _request: Echo(), "127.0.0.1", 0)
    announce(port=server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def relay(worker: int) -> None:
    """Serves on any port."""

    async def nothing(_scope: object, _receive: object, _send: object) -> None:
        """No HTTP."""

    relays = MediaRelay(lambda _worker: f"ws://127.0.0.1:{worker}")
    config = uvicorn.Config(
        nothing,
        interface="asgi3",
        http="h11",
        ws=relays,
        lifespan="off",
        log_config=None,
    )
    listening = socket.create_server(("127.0.0.1", 0))
    announce(port=listening.getsockname()[1])
    await uvicorn.Server(config).serve([listening])


async def talk(port: int, count: int, seconds: float) -> tuple[int, int]:
    """All calls at once, on an absolute clock; how many frames left and how many came back."""
    calls = [Call() for _ in range(count)]
    for n, call in enumerate(calls):
        url = f"ws://127.0.0.1:{port}/media/worker/token{n:08d}"
        await picows.ws_connect(lambda call=call: call, url)
    clock = asyncio.get_running_loop().time
    at = begin = clock()
    sent = 0
    while at < begin + seconds:
        for call in calls:
            if call.transport is not None:
                call.transport.send(BINARY, FRAME)
                sent += 1
        at += 0.02
        await asyncio.sleep(max(0.0, at - clock()))
    return sent, sum(call.heard for call in calls)


def measure(run: Run) -> None:
    """`--calls`: how many are relayed at once."""
    count, seconds = int(run.option("calls", 100, quick=10)), run.option("seconds", 5, quick=1)
    with apart() as core, Child("bench.relay", "work") as worker:
        port = str(worker.heard()["port"])
        with Child("bench.relay", "relay", port, core=core) as relaying:
            door = relaying.heard()["port"]
            uvloop.run(talk(door, count, WARM_S))
            before, began = cpu_s(relaying.pid), time.monotonic()
            sent, heard = uvloop.run(talk(door, count, seconds))
            share = (cpu_s(relaying.pid) - before) / (time.monotonic() - began)
    run.figure(f"{count} calls relayed, share of a core", 100 * share, "%")
    run.figure("a frame, one direction", share / count / 100 * 1e6, "us")
    run.figure("frames that came back", 100 * heard / sent, "%", reach=">= 99")


if __name__ == "__main__":
    end_with_starter()
    uvloop.run(work() if sys.argv[1] == "work" else relay(int(sys.argv[2])))
