"""The services of one home without supervisor or product: real ones for tests and benchmarks.

    stack = PrivateStack.start(folder)      # NATS, Postgres and S3, migrated and provisioned
    stack.settings("media-1")               # what a process of that name would be told
    stack.kill("nats"); stack.restart("nats")
    stack.stop()

Start it from the main thread: its processes end with the thread that started them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from callfunnel.domain.errors import UserError
from callfunnel.infra.sealed import SealedFolder, SealedSecrets
from callfunnel.infra.settings import PlatformSettings
from callfunnel.local.home import folder as home
from callfunnel.local.home import ports
from callfunnel.local.home.credentials import ensure_credentials
from callfunnel.local.prepare import prepare
from callfunnel.local.processes import Stack, environment, services, settings
from callfunnel.local.supervision import leftovers
from callfunnel.local.supervision.probes import is_ready
from callfunnel.local.supervision.process import Exits, Process
from callfunnel.local.supervision.spawn import end_group, last_words, spawn

_LIMIT_S = 30.0
_POLL_S = 0.02
_GRACE_S = 4.0


class PrivateStack:
    """Running services in `folder`, which becomes a home."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._table = {each.name: each for each in services(stack) if each.name != "prepare"}
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    @classmethod
    def start(cls, folder: Path) -> PrivateStack:
        """Everything up, migrated, provisioned and seeded. Raises UserError when it fails."""
        at = home.Home(folder.absolute())
        home.prepare(at)
        os.environ[leftovers.HOME_VARIABLE] = str(at.root)
        store = SealedFolder.create(at.secrets)
        ensure_credentials(store)
        started = cls(Stack(at, ports.settle(at.root / "ports.json", 0), store))
        try:
            started._start_all()
            secrets = SealedSecrets(store)
            asyncio.run(prepare(started.settings("prepare"), secrets))
        except BaseException:
            started.stop()
            raise
        return started

    @property
    def home(self) -> home.Home:
        return self._stack.home

    @property
    def ports(self) -> Mapping[str, int]:
        return self._stack.ports

    def environment(self, process: str) -> dict[str, str]:
        """The environment of a process of that name, to start it as the product does."""
        self.settings(process)  # makes its spool folder
        return environment(self._stack, process)

    def settings(self, process: str) -> PlatformSettings:
        """The settings of a process of that name (spool folder made, any free ports)."""
        decoded = PlatformSettings.from_env(settings(self._stack, process))
        decoded.spool_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return decoded

    def secrets(self) -> SealedSecrets:
        return SealedSecrets(self._stack.store)

    def kill(self, name: str) -> None:
        """kill -9 of `nats`, `postgres` or `objects`; returns when it is gone."""
        child = self._children.pop(name)
        end_group(child.pid, signal.SIGKILL)
        child.wait()

    def restart(self, name: str) -> None:
        """Start a service that was killed; returns when it serves again."""
        deadline = time.monotonic() + _LIMIT_S
        while not self._try_to_start(self._table[name]):
            if time.monotonic() > deadline:
                raise UserError(f"{name} does not start: {last_words(self._table[name])}")

    def stop(self) -> None:
        for name, child in self._children.items():
            child.send_signal(self._table[name].stop)
        deadline = time.monotonic() + _GRACE_S
        while self._children:
            _, child = self._children.popitem()
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                end_group(child.pid, signal.SIGKILL)
                child.wait()

    def _start_all(self) -> None:
        first = [each for each in self._table.values() if not each.needs]
        self._spawn(first)
        for step in (each for each in first if isinstance(each.ready, Exits)):
            if self._children.pop(step.name).wait(_LIMIT_S) != 0:
                raise UserError(f"{step.name} failed: {last_words(step)}")
        self._spawn([each for each in self._table.values() if each.needs])

    def _spawn(self, table: Iterable[Process]) -> None:
        for each in table:
            self._children[each.name] = spawn(each)

    def _try_to_start(self, process: Process) -> bool:
        """One life: True when it became ready, False when it ended before."""
        child = spawn(process)
        deadline = time.monotonic() + _LIMIT_S
        while child.poll() is None and time.monotonic() < deadline:
            if is_ready(process.ready, child.pid):
                self._children[process.name] = child
                return True
            time.sleep(_POLL_S)
        end_group(child.pid, signal.SIGKILL)
        child.wait()
        return False
