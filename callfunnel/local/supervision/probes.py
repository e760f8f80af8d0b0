"""Whether a process is ready, or at least alive: one short question of each kind, answered now.

Ready is what takes work; alive is what answers anything at all: a process that drains, or whose
bus is away, is alive and not ready. The first start also does a real operation on every service
(see `prepare`); these probes are what is asked again and again, so each costs a loopback round
trip and gives up after `_WAIT_S`.
"""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import struct
from pathlib import Path
from typing import assert_never
from urllib.parse import urlsplit

from callfunnel.local.home.ports import LOOPBACK
from callfunnel.local.supervision import bus_probe
from callfunnel.local.supervision.process import (
    AcceptsLogins,
    AnswersHealth,
    AnswersUrl,
    Exits,
    LeavesFile,
    Process,
    Readiness,
)

_WAIT_S = 0.5
_ROOM_BYTES = 64 * 1024 * 1024
_STARTUP = b"user\0postgres\0database\0postgres\0\0"


def is_ready(readiness: Readiness, pid: int) -> bool:
    """Whether the process `pid` serves now. A step is never ready: it exits."""
    match readiness:
        case AnswersUrl(url):
            return answers(url)
        case AcceptsLogins(port):
            return accepts_logins(port)
        case AnswersHealth(port, user, password):
            return bus_probe.health(port, user, password).ready
        case LeavesFile(file):
            return left_file(file, pid)
        case Exits():
            return False
        case _:
            assert_never(readiness)


def is_alive(readiness: Readiness, pid: int) -> bool:
    """Whether the process `pid`, which has been ready, answers anything now."""
    match readiness:
        case AnswersUrl(url):
            return status_of(url) != 0
        case AcceptsLogins(port):
            return greeted(port) != b""
        case AnswersHealth(port, user, password):
            return bus_probe.health(port, user, password).alive
        case LeavesFile(file):
            left = left_port(file, pid)
            return left is None or status_of(f"http://{LOOPBACK}:{left}/healthz") != 0
        case Exits():
            return True
        case _:
            assert_never(readiness)


def stores(process: Process) -> bool:
    """Whether nothing is known that keeps a service from storing what it is told."""
    match process.ready:
        case AnswersHealth(port, user, password):
            return bus_probe.health(port, user, password, all_streams=True).stores
        case _:
            return True


def has_room(folder: Path) -> bool:
    """Whether a service that stores there could write now."""
    try:
        return shutil.disk_usage(folder).free >= _ROOM_BYTES
    except OSError:
        return False


def answers(url: str) -> bool:
    """Whether a GET answers 200."""
    return status_of(url) == 200


def status_of(url: str) -> int:
    """The status that a GET answers with; 0 when nothing answers in time."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=_WAIT_S)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def accepts_logins(port: int) -> bool:
    """True when Postgres answers a greeting with a request to authenticate ('R')."""
    return greeted(port) == b"R"


def greeted(port: int) -> bytes:
    """The first byte of Postgres's answer to a greeting; none when it is silent."""
    message = struct.pack(">ii", 8 + len(_STARTUP), 3 << 16) + _STARTUP
    try:
        with socket.create_connection((LOOPBACK, port), timeout=_WAIT_S) as connection:
            connection.sendall(message)
            return connection.recv(1)
    except OSError:
        return b""


def left_file(file: Path, pid: int) -> bool:
    """True when `file` was written by `pid` and the port in it answers `/readyz`."""
    port = left_port(file, pid)
    return port is not None and (not port or answers(f"http://{LOOPBACK}:{port}/readyz"))


def left_port(file: Path, pid: int) -> int | None:
    """The port in what `pid` left, 0 when it names none; None when `pid` left nothing."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("pid") != pid:
        return None
    port = content.get("health_port") or content.get("http_port")
    return port if isinstance(port, int) else 0
