"""What the benches behind the call stand on: services on the first core, features on the other.

A feature runs as it does in the product: a process of its own, started by its command line.
"""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.js.errors import Error

from bench.harness.cores import apart, pin
from bench.harness.processes import cpu_s
from callfunnel.events.envelope import Event
from callfunnel.infra.bus import Bus
from callfunnel.local.private_stack import PrivateStack

SUPERVISOR = "supervisor"
PACKAGES = {
    "redaction": "workers.persistence",
    "timeline": "workers.persistence",
    "recordings": "workers.persistence",
    "settlement": "workers.persistence",
    "metering": "workers.billing",
    "reaper": "workers.conductor",
}
_PAGE = 5000


@contextlib.contextmanager
def services() -> Iterator[tuple[PrivateStack, int]]:
    """NATS, Postgres and S3 on the first core, empty; and the core for what is measured."""
    with apart() as core, tempfile.TemporaryDirectory(prefix="cf-bench-") as folder:
        stack = PrivateStack.start(Path(folder) / "home")
        try:
            yield stack, core
        finally:
            stack.stop()


class Service:
    """A process that hosts features."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def cpu_s(self) -> float:
        return cpu_s(self.pid)


@contextlib.contextmanager
def started(
    stack: PrivateStack, core: int, name: str, module: str, changes: Mapping[str, str], *words: str
) -> Iterator[Service]:
    """A program of the product on its core until the block ends; `changes` of its environment."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", module, *words],
        env={**stack.environment(name), **changes},
        stderr=subprocess.DEVNULL,
    )
    pin(process.pid, core)
    try:
        yield Service(process)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """A worker waits for its calls until it is asked again."""
    for patience_s in (1, 10):
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
            return
    process.kill()
    process.wait()


def serving(
    stack: PrivateStack, core: int, name: str, *words: str
) -> contextlib.AbstractContextManager[Service]:
    """A host of features, told what `words` say, on its core until the block ends."""
    return started(stack, core, name, "callfunnel.infra.service", {}, *words)


def alone(feature: str) -> tuple[str, ...]:
    """The words that host one feature."""
    return PACKAGES[feature], "--only", feature


async def bus_of(stack: PrivateStack, role: str) -> Bus:
    """The bus as a role sees it."""
    return await Bus.connect(stack.settings("bench"), role, stack.secrets())


async def publish(bus: Bus, events: Sequence[Event[Any]], *, raw: bool = False) -> None:
    """Everything, in order."""
    for start in range(0, len(events), _PAGE):
        await bus.publish(*events[start : start + _PAGE], raw=raw, within_s=60)


async def handled(client: Client, stream: str, durable: str) -> int:
    """Up to which message of the stream a durable has handled everything; 0: nothing yet."""
    with contextlib.suppress(Error):
        info = await client.jetstream().consumer_info(stream, durable)
        if info.ack_floor is not None:
            return info.ack_floor.stream_seq or 0
    return 0


async def is_there(client: Client, stream: str, durable: str) -> bool:
    """Whether a durable exists."""
    with contextlib.suppress(Error):
        await client.jetstream().consumer_info(stream, durable)
        return True
    return False


def until(deadline: float, what: str) -> None:
    """RuntimeError once the time is over."""
    if time.monotonic() > deadline:
        raise RuntimeError(f"{what} took too long")
