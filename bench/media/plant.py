"""A worker process on its own core, the services and the load on the other."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.harness.cores import apart, pin
from bench.harness.processes import Child, cpu_s, pss_kb
from bench.media import authority
from callfunnel.events.streams import AUDIO
from callfunnel.infra.bus import Bus
from callfunnel.local.private_stack import PrivateStack

_METRIC = re.compile(r"^callfunnel_(\w+) ([0-9.e+-]+)$", re.MULTILINE)


class Worker:
    """`python -m workers.media` as its supervisor starts it."""

    def __init__(
        self, stack: PrivateStack, name: str, changes: Mapping[str, str], module: Sequence[str]
    ) -> None:
        self._settings = stack.settings(name)
        environment = {**stack.environment(name), **changes}
        self._process = subprocess.Popen([sys.executable, "-P", "-m", *module], env=environment)

    @property
    def pid(self) -> int:
        return self._process.pid

    def metrics(self) -> dict[str, float]:
        """What the worker says about itself."""
        ready = self._settings.run_dir / f"{self._settings.process}.json"
        port = msgspec.json.decode(ready.read_bytes())["http_port"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
            return {name: float(value) for name, value in _METRIC.findall(page.read().decode())}

    def stop(self) -> None:
        """Twice asked, it does not wait for its calls."""
        for _ in range(2):
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.5)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Plant:
    """What is measured, and what loads it."""

    def __init__(self, workers: list[Worker], load: Child, stack: PrivateStack) -> None:
        self.workers = workers
        self.load = load
        self._stack = stack

    def empty_audio(self) -> None:
        """What a recording would have removed: nobody stores recordings here."""
        asyncio.run(_emptied(self._stack, AUDIO.name))

    def settle(self, seconds: float, calls: int) -> None:
        """Brings the calls there and lets them talk: greetings are over, turns have begun."""
        self.load.ask(calls=calls)
        self.load.ask(settle=seconds)

    def window(self, seconds: float, **told: Any) -> dict[str, float]:
        """What the peers see in that time, and the CPU the workers spend in it, per call-second."""
        before, began = self.cpu_s(), time.monotonic()
        seen: dict[str, float] = self.load.ask(window=seconds, **told)
        took = time.monotonic() - began
        seen["cpu_ms"] = 1000 * (self.cpu_s() - before) / took / max(1, seen["calls"])
        return seen

    def cpu_s(self) -> float:
        return sum(cpu_s(each.pid) for each in self.workers)

    def memory_mb(self) -> float:
        return sum(pss_kb(each.pid) for each in self.workers) / 1024


@contextlib.contextmanager
def plant(*, workers: int = 1, module: Sequence[str] = ("workers.media",)) -> Iterator[Plant]:
    """Everything up, no call yet. `module`: what runs as a worker, with its arguments."""
    with tempfile.TemporaryDirectory(prefix="cf-bench-") as folder, apart() as core:
        authority_file = authority.make(Path(folder))
        stack = PrivateStack.start(Path(folder) / "home")
        names = [f"media-{n + 1}" for n in range(workers)]
        started: list[Worker] = []
        try:
            with Child(
                "bench.media.load", folder, *names, env=stack.settings("load").to_env()
            ) as load:
                environment = {
                    "CALLFUNNEL_MODEL": "openai",
                    "CALLFUNNEL_MEDIA_SLOTS": "1000",
                    "OPENAI_API_KEY": "sk-bench",
                    "OPENAI_BASE_URL": f"https://{authority.HOST}:{load.heard()['port']}/v1",
                    "SSL_CERT_FILE": str(authority_file),
                }
                for name in names:
                    started.append(Worker(stack, name, environment, module))
                    pin(started[-1].pid, core)
                yield Plant(started, load, stack)
        finally:
            for each in started:
                each.stop()
            stack.stop()


async def _emptied(stack: PrivateStack, stream: str) -> None:
    bus = await Bus.connect(stack.settings("bench"), "supervisor", stack.secrets())
    try:
        await bus.client.jetstream().purge_stream(stream)
    finally:
        await bus.stop()
