"""Processes of this home that outlived a killed supervisor: they end before a new start begins.

The kernel tells them to end when their parent vanishes; this waits for it and helps the slow
ones. Only a process whose environment names this home is touched: a pid may belong to anybody.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path

from callfunnel.local.home.folder import Home, read_state
from callfunnel.local.supervision.spawn import end_group

HOME_VARIABLE = "CALLFUNNEL_HOME"
_GRACE_S = 3.0
_POLL_S = 0.05


def end_leftovers(home: Home) -> None:
    """Return when none of the processes of the last start is left."""
    pids = [entry["pid"] for entry in read_state(home).get("processes", []) if entry.get("pid")]
    deadline = time.monotonic() + _GRACE_S
    while remaining := [pid for pid in pids if _belongs(pid, home)]:
        if time.monotonic() > deadline:
            for pid in remaining:
                end_group(pid, signal.SIGKILL)
        time.sleep(_POLL_S)


def _belongs(pid: int, home: Home) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"{HOME_VARIABLE}={home.root}".encode() in environment.split(b"\0")
