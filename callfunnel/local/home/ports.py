"""The ports of one home: chosen once, kept in `ports.json`, chosen again only when taken.

They come from below the kernel's ephemeral range, so that no outgoing connection of another
program sits on one of them at the next start.
"""

from __future__ import annotations

import json
import os
import random
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

from callfunnel.domain.errors import UserError
from callfunnel.local.home.folder import write_json

LOOPBACK = "127.0.0.1"
GATEWAY_DEFAULT = 8420
SERVICE_PORTS = (
    "nats",
    "postgres",
    "issuer",
    "s3",
    "s3_grpc",
    "master",
    "master_grpc",
    "volume",
    "volume_grpc",
    "filer",
    "filer_grpc",
    "admin",
)
_RANGE = range(20_000, 32_000)
ADMIN_GRPC_OFFSET = 10_000
"""The object store's worker looks for its admin at this distance, whatever it is told."""


def is_free(port: int) -> bool:
    """Whether this process could listen on that loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def settle(file: Path, gateway: int | None) -> dict[str, int]:
    """Every port of the home, free at this moment.

    `gateway`: None = the kept one, else the default, else any; 0 = the kept one, else any; a
    number = that one. Raises UserError when a number asked for is taken.
    """
    kept = _kept(file)
    candidates = _candidates(set(kept.values()))
    ports = {
        name: _usable(kept.get(name), name) or _next(candidates, name) for name in SERVICE_PORTS
    }
    ports["gateway"] = _gateway(gateway, kept.get("gateway"), candidates)
    if ports != kept:
        write_json(file, ports)
    return ports


def _kept(file: Path) -> dict[str, int]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(content, Mapping):
        return {}
    return {str(name): port for name, port in content.items() if isinstance(port, int)}


def _gateway(asked: int | None, kept: int | None, candidates: Iterator[int]) -> int:
    if asked:
        if asked < 1024 and os.geteuid() != 0:
            raise UserError(f"port {asked} is for root only", "give one above 1023 with --port")
        if not is_free(asked):
            raise UserError(f"port {asked} is in use", "give another one with --port, or --port 0")
        return asked
    if kept and is_free(kept):
        return kept
    if asked is None and is_free(GATEWAY_DEFAULT):
        return GATEWAY_DEFAULT
    return _next(candidates, "gateway")


def _candidates(avoid: set[int]) -> Iterator[int]:
    numbers = [port for port in _RANGE if port not in avoid]
    random.shuffle(numbers)
    return iter(numbers)


def _next(candidates: Iterator[int], name: str) -> int:
    for port in candidates:
        if _usable(port, name):
            return port
    raise UserError("no free port between 20000 and 32000", "stop some program that listens")


def _usable(port: int | None, name: str) -> int | None:
    if port is None or not is_free(port):
        return None
    if name == "admin" and not is_free(port + ADMIN_GRPC_OFFSET):
        return None
    return port
