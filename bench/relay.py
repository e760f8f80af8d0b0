"""What the gateway's media relay costs: `python -m bench.relay [calls]`.

Three processes: a caller with many sockets, 50 frames of 160 bytes a second on each; the relay as
the gateway runs it; a worker that echoes. Printed is the relay process's CPU time alone.
"""

import asyncio
import multiprocessing
import resource
import socket
import sys
from multiprocessing.connection import Connection

import picows
import uvicorn
import uvloop

from gateway.relay import MediaRelay

SECONDS = 6.0
WARM_S = 2.0
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


async def work(port: int) -> None:
    server = await picows.ws_create_server(lambda _request: Echo(), "127.0.0.1", port)
    await server.serve_forever()


async def relay(port: int, worker: int, results: Connection) -> None:
    """Serves, and measures itself once the calls are there."""

    async def nothing(_scope: object, _receive: object, _send: object) -> None:
        """No HTTP."""

    relays = MediaRelay(lambda _worker: f"ws://127.0.0.1:{worker}")
    config = uvicorn.Config(
        nothing,
        interface="asgi3",
        host="127.0.0.1",
        port=port,
        http="h11",
        ws=relays,
        lifespan="off",
        log_config=None,
    )
    serving = asyncio.create_task(uvicorn.Server(config).serve())
    await asyncio.sleep(1 + WARM_S)
    before, calls = cpu(), relays.active
    await asyncio.sleep(SECONDS - WARM_S - 1)
    results.send((calls, (cpu() - before) / (SECONDS - WARM_S - 1)))
    await serving


def cpu() -> float:
    """CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def talk(port: int, count: int) -> None:
    """All calls at once, on an absolute clock."""
    calls = [Call() for _ in range(count)]
    for n, call in enumerate(calls):
        url = f"ws://127.0.0.1:{port}/media/worker/token{n:08d}"
        await picows.ws_connect(lambda call=call: call, url)
    clock = asyncio.get_running_loop().time
    at = begin = clock()
    while at < begin + SECONDS:
        for call in calls:
            if call.transport is not None:
                call.transport.send(BINARY, FRAME)
        at += 0.02
        await asyncio.sleep(max(0.0, at - clock()))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_worker(port: int) -> None:
    uvloop.run(work(port))


def run_relay(port: int, worker: int, results: Connection) -> None:
    uvloop.run(relay(port, worker, results))


async def started_and_talk(port: int, count: int) -> None:
    await asyncio.sleep(1)
    await talk(port, count)


def main(count: int) -> None:
    """Prints one line."""
    port, worker = free_port(), free_port()
    here, there = multiprocessing.Pipe(duplex=False)
    processes = [
        multiprocessing.Process(target=run_worker, args=(worker,), daemon=True),
        multiprocessing.Process(target=run_relay, args=(port, worker, there), daemon=True),
    ]
    for process in processes:
        process.start()
    uvloop.run(started_and_talk(port, count))
    calls, share = here.recv()
    for process in processes:
        process.terminate()
    micros = share / calls / 100 * 1e6
    print(f"{calls} calls relayed: {share:.1%} of a core, {micros:.1f} us a frame and direction")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
