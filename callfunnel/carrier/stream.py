"""One media stream as its carrier keeps it: what to send, what the caller heard, what was refused.

The shell owns the socket and the clock. Every 20 ms it calls `hear(now)`, then `say(...)`; what
arrives goes to `receive`. All three return the messages to send, in order.
"""

from __future__ import annotations

from dataclasses import dataclass

from callfunnel.carrier.frames import Clear, Mark, Media, Refused, Wire, decode
from callfunnel.carrier.playout import Playout


@dataclass(frozen=True)
class Moment:
    """What the caller's ear had in one step, and the mark echoes that go back for it."""

    audio: bytes
    speaking: bool
    messages: tuple[str, ...]


class MediaStream:
    """`now` is the caller's clock in whole milliseconds, 0 when the stream starts."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._playout = Playout(now=0)
        self.refused: list[Refused] = []
        self.clears = 0

    @property
    def waiting_ms(self) -> int:
        """Audio sent by the other side and not heard yet."""
        return self._playout.waiting_ms

    def open(self, parameters: dict[str, str]) -> tuple[str, ...]:
        return self._wire.connected(), self._wire.start(parameters)

    def receive(self, message: str | bytes) -> tuple[str, ...]:
        match decode(message, self._wire.stream):
            case Media(audio=audio):
                self._playout.play(audio)
            case Mark(name=name):
                self._playout.mark(name)
            case Clear():
                self.clears += 1
                return tuple(self._wire.mark(name) for name in self._playout.clear())
            case Refused() as refused:
                self.refused.append(refused)
        return ()

    def hear(self, now: int) -> Moment:
        heard = self._playout.advance(now)
        echoes = tuple(self._wire.mark(name) for name in heard.marks)
        return Moment(heard.audio, heard.speaking, echoes)

    def say(self, audio: bytes, digit: str = "") -> tuple[str, ...]:
        """One frame of the caller's voice, and the key pressed during it."""
        media = self._wire.media(audio)
        return (media, self._wire.dtmf(digit)) if digit else (media,)

    def close(self) -> tuple[str, ...]:
        return (self._wire.stop(),)
