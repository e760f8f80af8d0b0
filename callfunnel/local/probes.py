"""Whether a process is ready: one short question per kind of readiness, answered now.

The first start also does a real operation on every service (see `prepare`); these probes are
what is asked again and again, so each costs a loopback round trip and gives up after `_WAIT_S`.
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
from pathlib import Path
from typing import assert_never
from urllib.parse import urlsplit

from callfunnel.local.ports import LOOPBACK
from callfunnel.local.process import AcceptsLogins, AnswersUrl, Exits, LeavesFile, Readiness

_WAIT_S = 0.5
_STARTUP = b"user\0postgres\0database\0postgres\0\0"


def is_ready(readiness: Readiness, pid: int) -> bool:
    """Whether the process `pid` serves now. A step is never ready: it exits."""
    match readiness:
        case AnswersUrl(url):
            return answers(url)
        case AcceptsLogins(port):
            return accepts_logins(port)
        case LeavesFile(file):
            return left_file(file, pid)
        case Exits():
            return False
        case _:
            assert_never(readiness)


def answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=_WAIT_S)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def accepts_logins(port: int) -> bool:
    """True when Postgres answers a greeting with a request to authenticate ('R')."""
    message = struct.pack(">ii", 8 + len(_STARTUP), 3 << 16) + _STARTUP
    try:
        with socket.create_connection((LOOPBACK, port), timeout=_WAIT_S) as connection:
            connection.sendall(message)
            return connection.recv(1) == b"R"
    except OSError:
        return False


def left_file(file: Path, pid: int) -> bool:
    """True when `file` was written by `pid` and the port in it answers `/readyz`."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if not isinstance(content, dict) or content.get("pid") != pid:
        return False
    port = content.get("http_port")
    return not port or answers(f"http://{LOOPBACK}:{port}/readyz")
