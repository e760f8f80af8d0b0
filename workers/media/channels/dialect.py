"""What a carrier's wire format must offer: pure encode and decode, no socket, no clock.

`decode` takes whatever the peer sent and never raises: what cannot be understood is `Broken`.
Caller audio is not a class but a plain pair, so that the 20 ms path makes no object per frame.
"""

import base64
import binascii
from typing import NamedTuple, Protocol

from msgspec import Struct

MAX_FRAME = 64 * 1024
"""Bytes of one frame from a carrier; media frames have about 400."""
MAX_AUDIO = 8000
"""Samples of caller audio in one frame: a second; carriers send 160."""

CallerAudio = tuple[bytes, bytes]
"""One piece of the caller: the payload as base64, and the same as u-law bytes."""


class LineStarted(Struct, frozen=True):
    """The carrier says which call this is; media follows."""

    stream: str


class MarkEchoed(Struct, frozen=True):
    """The carrier reached (or, after a clear, dropped) this mark."""

    name: str


class DigitPressed(Struct, frozen=True):
    """A key of the caller's phone."""

    digit: str


class LineStopped(Struct, frozen=True):
    """The carrier ends the stream in good order."""


class Ignored(Struct, frozen=True):
    """Understood and of no meaning here, or unknown and harmless."""


class Broken(Struct, frozen=True):
    """Not this protocol. `reason` is a stable short text without the peer's data."""

    reason: str


Arrived = CallerAudio | LineStarted | MarkEchoed | DigitPressed | LineStopped | Ignored | Broken


class Frame(NamedTuple):
    """One WebSocket message to the carrier."""

    binary: bool
    data: bytes


class Dialect(Protocol):
    """One carrier's side of one call. Decoding keeps what must hold between frames."""

    def decode(self, binary: bool, data: bytes) -> Arrived:
        """What arrived. Never raises."""

    def media(self, ulaw: bytes) -> Frame:
        """Audio for the caller, u-law 8 kHz."""

    def mark(self, name: str) -> Frame:
        """A mark that the carrier echoes once everything before it was played."""

    def clear(self) -> Frame:
        """Drop what is buffered and not yet played."""

    def bye(self, cause: str, /) -> Frame | None:
        """What this carrier is told before the socket closes, if anything."""


def caller_audio(payload: bytes) -> CallerAudio | Broken:
    """Checked caller audio; base64 is read strictly, so the payload is safe inside other JSON."""
    try:
        ulaw = binascii.a2b_base64(payload, strict_mode=True)
    except binascii.Error:
        return Broken("payload is no base64")
    if not 0 < len(ulaw) <= MAX_AUDIO:
        return Broken("payload is empty or too long")
    return payload, ulaw


def encoded(ulaw: bytes) -> bytes:
    """base64 without a line feed."""
    return base64.b64encode(ulaw)
