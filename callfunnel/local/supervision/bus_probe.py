"""What the bus says of its own health, asked over one short connection as its system user.

The supervisor loads no bus client: here is the little of the protocol that one question needs. The
server has no monitoring port, where every user of the machine could read connections and ids.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from callfunnel.local.home.ports import LOOPBACK

_WAIT_S = 0.5
_INBOX = "probe.answer"
_NOT_STORED = ("write error", "JetStream not enabled")
"""What the server says once a disk was full or refused: it stores nothing until it starts anew."""


@dataclass(frozen=True, slots=True)
class BusHealth:
    """`alive`: it answers. `ready`: it works. `stores`: nothing keeps it from writing."""

    alive: bool = False
    ready: bool = False
    stores: bool = True


def health(port: int, user: str, password: str, *, all_streams: bool = False) -> BusHealth:
    """The health of the server on a loopback port; with `all_streams`, of each of its streams."""
    options = {} if all_streams else {"js-enabled-only": True}
    told = ask(port, (user, password), "HEALTHZ", options)
    if not told:
        return BusHealth(alive=told is not None)
    if told.get("status") == "ok":
        return BusHealth(alive=True, ready=True)
    why = str(told.get("error"))
    return BusHealth(alive=True, stores=not any(each in why for each in _NOT_STORED))


def ask(
    port: int, login: tuple[str, str], what: str, options: Mapping[str, object]
) -> dict[str, Any] | None:
    """What the server says of itself, such as HEALTHZ or JSZ; {} when it says nothing of it, None
    when it does not answer at all."""
    question = json.dumps(options)
    user = json.dumps({"verbose": False, "pedantic": False, "user": login[0], "pass": login[1]})
    commands = (
        f"CONNECT {user}\r\nSUB {_INBOX} 1\r\n"
        f"PUB $SYS.REQ.SERVER.PING.{what} {_INBOX} {len(question)}\r\n{question}\r\n"
    )
    try:
        with socket.create_connection((LOOPBACK, port), timeout=_WAIT_S) as connection:
            answer = _first_message(connection, commands.encode())
    except OSError:
        return None
    return None if answer is None else _read(answer)


def _first_message(connection: socket.socket, commands: bytes) -> bytes | None:
    """The first message; b"" when the server is alive and has none for us, None when it is not."""
    with connection.makefile("rwb") as stream:
        if not stream.readline().startswith(b"INFO "):
            return None
        stream.write(commands)
        stream.flush()
        try:
            for line in stream:
                if line.startswith(b"MSG "):
                    return stream.read(int(line.split()[-1]))
        except TimeoutError:
            pass  # it greeted us
    return b""


def _read(answer: bytes) -> dict[str, Any]:
    try:
        told = json.loads(answer)["data"]
    except (ValueError, KeyError):
        return {}
    return told if isinstance(told, dict) else {}
