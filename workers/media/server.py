"""The door for media sockets: one path per worker, a token that opens it once, 403 for the rest.

It decides who may connect; what is said on the socket is the session's. A refused handshake says
nothing about why.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, Protocol

import picows

from callfunnel.carrier.signature import media_url
from callfunnel.infra.turns import Turnstile
from workers.media.channels.dialect import MAX_FRAME, Frame
from workers.media.channels.registry import CHANNELS
from workers.media.pace import CARRIER_BYTES_AHEAD, CARRIER_BYTES_PER_S, FRAME_COST, Pace
from workers.media.session import Session
from workers.media.slots import Reservation, Slots
from workers.media.sockets import answer, read_little

_log: Final = logging.getLogger(__name__)
_TEXT: Final = picows.WSMsgType.TEXT
_BINARY: Final = picows.WSMsgType.BINARY
_BACKLOG: Final = 256 * 1024
"""Bytes waiting for a carrier that does not read: more than the pacing can ever need."""


class Headers(Protocol):
    """The headers of an upgrade."""

    def get(self, name: str, default: str, /) -> str: ...


Connect = Callable[[Reservation, "CarrierSocket"], Session]


class Door:
    """Who may come in. `public_url` is the origin that carriers are told and sign."""

    def __init__(self, worker: str, public_url: str, slots: Slots, connect: Connect) -> None:
        self._prefix = f"/media/{worker}/"
        self._public_url = public_url
        self._slots = slots
        self._connect = connect
        self._turnstile = Turnstile()
        self.refused = 0

    def admit(self, request: picows.WSUpgradeRequest) -> Any:
        """What picows shall do with this upgrade: the socket of a session, or 403."""
        now = asyncio.get_running_loop().time()
        reservation = self.claim(request.path, request.headers, now)
        if reservation is None:
            self.refused += 1
            _log.warning("a media socket was refused")
            return _forbidden()
        return CarrierSocket(reservation, self._connect, self._turnstile)

    def claim(self, target: bytes, headers: Headers, now: float) -> Reservation | None:
        """The slot that an upgrade of `target` takes up; None, and nothing changed, if it may not.

        Never raises, whatever the peer sent.
        """
        path = target.decode("ascii", "replace").partition("?")[0]
        token = path.removeprefix(self._prefix) if path.startswith(self._prefix) else ""
        found = self._slots.peek(token, now) if token else None
        if found is None or not self._signed(found, path, headers):
            return None
        return self._slots.claim(token, now)

    def _signed(self, found: Reservation, path: str, headers: Headers) -> bool:
        signing = CHANNELS[found.spec.channel].signing
        if signing is None:
            return True
        given = headers.get(signing.header, "")
        return signing.is_right(found.secret, media_url(self._public_url, path), given)


class CarrierSocket(picows.WSListener):
    """One media socket: frames in, frames out, closed once.

    A carrier may bring a hundred calls at the same moment, or lose them: sessions begin and end a
    few in each turn of the loop.
    """

    def __init__(self, reservation: Reservation, connect: Connect, turnstile: Turnstile) -> None:
        self._reservation = reservation
        self._connect = connect
        self._turnstile = turnstile
        self._transport: Any = None
        self._session: Session | None = None
        self._full = False
        self._clock = asyncio.get_running_loop().time
        self._pace = Pace(CARRIER_BYTES_PER_S, CARRIER_BYTES_AHEAD)
        self._deaf = False

    def on_ws_connected(self, transport: Any) -> None:
        """The handshake is done."""
        self._transport = transport
        transport.underlying_transport.set_write_buffer_limits(high=_BACKLOG)
        read_little(transport)
        self._turnstile.soon(self._begin)
        if self._session is None:
            transport.underlying_transport.pause_reading()  # until it is this one's turn

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        """One frame. Messages are never split by carriers: a fragment is a broken protocol."""
        kind = frame.msg_type
        if self._session is None or self._deaf:
            return
        if not self._pace.keeps(FRAME_COST + frame.payload_size, self._clock()):
            self._flooded(transport, self._session)
        elif kind == _TEXT and frame.fin:
            self._session.on_frame(False, frame.get_payload_as_bytes())
        elif kind == _BINARY and frame.fin:
            self._session.on_frame(True, frame.get_payload_as_bytes())
        elif kind == picows.WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif kind == picows.WSMsgType.PING:
            answer(transport, frame, full=self._full)
        elif kind != picows.WSMsgType.PONG:
            self._session.on_broken("fragmented message")

    def on_ws_disconnected(self, _transport: Any) -> None:
        """The socket is gone, whoever closed it."""
        self._transport = None
        session, self._session = self._session, None
        if session is not None:
            self._turnstile.soon(session.on_closed)

    def pause_writing(self) -> None:
        """The carrier does not read: audio that is late is worth nothing and is dropped."""
        self._full = True

    def resume_writing(self) -> None:
        """The carrier reads again."""
        self._full = False

    def _begin(self) -> None:
        session = self._session = self._connect(self._reservation, self)
        session.begin()
        if self._transport is None:  # closed before it was its turn
            self._session = None
            session.on_closed()
        elif not self._transport.underlying_transport.is_closing():
            self._transport.underlying_transport.resume_reading()

    def _flooded(self, transport: Any, session: Session) -> None:
        """Other calls wait while these frames are read: no more of them are, to the end."""
        self._deaf = True
        transport.underlying_transport.pause_reading()
        session.on_broken("more than a call sends")

    def send(self, frame: Frame) -> None:
        """See `LineSocket.send`."""
        if self._transport is not None and not self._full:
            self._transport.send(_BINARY if frame.binary else _TEXT, frame.data)

    def close(self) -> None:
        """See `LineSocket.close`."""
        self._session = None
        if self._transport is not None:
            self._transport.send_close(picows.WSCloseCode.OK)
            self._transport.disconnect()


async def listen(door: Door, host: str, port: int) -> asyncio.Server:
    """Opens the door; the server is closed by the caller."""
    return await picows.ws_create_server(
        door.admit,
        host,
        port,
        max_frame_size=MAX_FRAME,
        websocket_handshake_timeout=5,
        enable_auto_pong=False,  # pings are counted like any other frame
        enable_auto_ping=True,
        auto_ping_idle_timeout=10,
        auto_ping_reply_timeout=10,
    )


def _forbidden() -> Any:
    refusal = picows.WSUpgradeResponse.create_error_response(403)
    return picows.WSUpgradeResponseWithListener(refusal, None)
