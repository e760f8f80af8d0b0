"""A carrier in the Twilio dialect over a real socket, faithful by default, hostile on request.

Frames, playout and signature are the product's own carrier pieces (`callfunnel/carrier`); what is
here is time, the socket and the bad manners.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from callfunnel.carrier.caller import Caller, Manners, Turn
from callfunnel.carrier.frames import Clear, Mark, Media, Refused, Wire, decode
from callfunnel.carrier.playout import SILENCE, Playout
from callfunnel.carrier.signature import signature

FRAME_S = 0.02


@dataclass
class Hostility:
    """Switches; the defaults are a faithful carrier."""

    wrong_signature: bool = False
    no_start: bool = False
    start_twice: bool = False
    foreign_call: bool = False
    media_first: bool = False
    omit_marks: bool = False
    duplicate_marks: bool = False
    binary_at: int = -1
    garbage_at: int = -1
    huge_at: int = -1
    abort_at: int = -1
    """Frame at which the TCP connection is cut without a word."""
    stop_at: int = -1
    """Frame at which `stop` is sent and the socket closed (a TwiML update)."""
    deaf: bool = False
    """Never reads the socket."""


@dataclass
class Outcome:
    """What the caller's side saw."""

    status: int = 101
    heard: bytearray = field(default_factory=bytearray)
    spoke_at: list[int] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    clears: list[int] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    close_code: int | None = None
    frames: int = 0

    @property
    def heard_ms(self) -> int:
        """Audio that was no silence, milliseconds."""
        return sum(1 for each in self.heard if each != SILENCE[0]) // 8


@dataclass
class Peer:
    """One call to come."""

    url: str
    call: str
    account: str
    auth_token: str
    turns: Sequence[Turn] = ()
    manners: Manners = field(default_factory=Manners)
    hostility: Hostility = field(default_factory=Hostility)
    signed_url: str = ""

    async def run(self) -> Outcome:
        """Calls, and returns once the socket is closed."""
        outcome = Outcome()
        token = "wrong" if self.hostility.wrong_signature else self.auth_token
        url = self.url.partition("?")[0]  # the real carrier strips the query
        headers = {"X-Twilio-Signature": signature(token, self.signed_url or url)}
        try:
            async with connect(url, additional_headers=headers, compression=None) as socket:
                await Leg(self, socket, outcome).run()
        except InvalidStatus as refusal:
            outcome.status = refusal.response.status_code
        return outcome


class Leg:
    """One call under way on a socket that looks like a client of `websockets`."""

    def __init__(self, peer: Peer, socket: Any, outcome: Outcome) -> None:
        self._peer = peer
        self._hostility = peer.hostility
        self._socket = socket
        self._outcome = outcome
        call = "CAforeign" if peer.hostility.foreign_call else peer.call
        self._wire = Wire("MZ" + peer.call[2:], call, peer.account)
        self._playout = Playout(0)
        self._caller = Caller(peer.turns, peer.manners, 0)
        self._speaking = False

    async def run(self) -> None:
        reading = None if self._hostility.deaf else asyncio.create_task(self._read())
        with contextlib.suppress(ConnectionClosed):
            await self._greet()
            await self._talk()
        if reading is not None:
            with contextlib.suppress(ConnectionClosed):
                await reading
        self._outcome.close_code = self._socket.close_code

    async def _greet(self) -> None:
        if self._hostility.media_first:
            await self._socket.send(self._wire.media(SILENCE * 160))
        await self._socket.send(self._wire.connected())
        if self._hostility.no_start:
            await self._socket.wait_closed()
            return
        for _ in range(1 + self._hostility.start_twice):
            await self._socket.send(self._wire.start({"call": self._peer.call}))

    async def _talk(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(1_000_000):
            self._outcome.frames = number
            now = number * 20
            if await self._misbehave(number):
                return
            heard = self._playout.advance(now)
            self._listen(heard.audio, heard.speaking, now)
            for name in heard.marks:
                await self._echo(name)
            step = self._caller.step(now, heard.speaking)
            if step.digit:
                await self._socket.send(self._wire.dtmf(step.digit))
            await self._socket.send(self._wire.media(step.audio))
            if step.hang_up:
                await self._hang_up()
                return
            await asyncio.sleep(began + (number + 1) * FRAME_S - loop.time())

    def _listen(self, audio: bytes, speaking: bool, now: int) -> None:
        self._outcome.heard += audio
        if speaking and not self._speaking:
            self._outcome.spoke_at.append(now)
        self._speaking = speaking

    async def _misbehave(self, number: int) -> bool:
        """True when the call is over with it."""
        hostility = self._hostility
        if number == hostility.binary_at:
            await self._socket.send(b"\x00\x01")
        if number == hostility.garbage_at:
            await self._socket.send('{"event":"media","media":{"payload":"@@@@"}}')
        if number == hostility.huge_at:
            await self._socket.send("x" * 100_000)
        if number == hostility.abort_at:
            self._socket.transport.abort()
            return True
        if number == hostility.stop_at:
            await self._hang_up()
            return True
        return False

    async def _hang_up(self) -> None:
        await self._socket.send(self._wire.stop())
        await self._socket.close()

    async def _read(self) -> None:
        async for message in self._socket:
            await self._take(message)

    async def _take(self, message: str | bytes) -> None:
        match decode(message, self._wire.stream):
            case Media(audio=audio):
                self._playout.play(audio)
            case Mark(name=name):
                self._playout.mark(name)
            case Clear():
                self._outcome.clears.append(self._outcome.frames * 20)
                for name in self._playout.clear():
                    await self._echo(name)
            case Refused() as refused:
                self._outcome.refused.append(refused)

    async def _echo(self, name: str) -> None:
        self._outcome.marks.append(name)
        if self._hostility.omit_marks:
            return
        for _ in range(1 + self._hostility.duplicate_marks):
            await self._socket.send(self._wire.mark(name))
