"""What every WebSocket of a worker needs, so that one peer's noise is little work at a time."""

import socket
from typing import Any, Final

_AT_ONCE: Final = 32 * 1024
"""Bytes the kernel keeps for a socket: what is read in one go is handled in one go, and the other
calls wait meanwhile; picows reads whatever there is and doubles its buffer for it. A second of a
call, or half a minute of a reply each second from a provider 100 ms away."""


def read_little(transport: Any) -> None:
    """Call it once the handshake is done."""
    connection = transport.underlying_transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _AT_ONCE)


def answer(transport: Any, ping: Any, *, full: bool) -> None:
    """A pong; none for a peer that does not read (`full`), or they would fill the memory."""
    if not full:
        transport.send_pong(ping.get_payload_as_bytes())
