"""The child processes of one supervisor: started, reaped, told, ended. No decisions."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress

from callfunnel.local.home.ports import LOOPBACK
from callfunnel.local.supervision import strays
from callfunnel.local.supervision.process import Process
from callfunnel.local.supervision.spawn import end_group, spawn

_BACKLOG = 1024


class Children:
    """By name. Call all of it from the main thread (see `spawn`)."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._doors: dict[int, socket.socket] = {}
        strays.adopt()

    def open_doors(self, table: Iterable[Process]) -> None:
        """Listens on what the processes of the table share over their lives. Raises OSError."""
        for port in {process.listens for process in table if process.listens}:
            self._doors[port] = socket.create_server((LOOPBACK, port), backlog=_BACKLOG)

    def close_doors(self) -> None:
        """Whoever knocks from now on is refused."""
        while self._doors:
            self._doors.popitem()[1].close()

    def start(self, process: Process) -> int:
        """Its pid. Raises UserError when it cannot be started."""
        door = self._doors.get(process.listens)
        child = spawn(process, door.fileno() if door else None)
        self._running[process.name] = child
        return child.pid

    def reap(self) -> list[tuple[str, int]]:
        """Name and exit code of those that have ended; what they had started goes with them."""
        ended = [(n, child) for n, child in self._running.items() if child.poll() is not None]
        for name, child in ended:
            del self._running[name]
            end_group(child.pid, signal.SIGKILL)
        strays.end_strays([child.pid for child in self._running.values()])
        return [(name, child.returncode) for name, child in ended]

    def tell(self, process: Process, pid: int) -> None:
        """Asks one to end; it is still ours, so the pid is nobody else's."""
        if process.name in self._running:
            with suppress(ProcessLookupError):
                os.kill(pid, process.stop)

    def kill(self, pid: int) -> None:
        """Ends one by force, with all that it started."""
        end_group(pid, signal.SIGKILL)

    def stop(self, table: Iterable[Process], grace: float) -> None:
        """Ask, ask again at half time (a worker with a live call then hurries), end by force."""
        ending = [(self._running.pop(p.name), p) for p in table if p.name in self._running]
        now = time.monotonic()
        for again, deadline in ((False, now + grace / 2), (True, now + grace)):
            for child, process in ending:
                if child.poll() is None and not (again and process.service):
                    child.send_signal(process.stop)
            for child, _ in ending:
                with suppress(subprocess.TimeoutExpired):
                    child.wait(max(0.0, deadline - time.monotonic()))
        for child, _ in ending:
            end_group(child.pid, signal.SIGKILL)
            child.wait()
