"""The browser phone: audio as BINARY frames of raw u-law, everything else as small TEXT messages.

The page sends `start` first; its token was single-use and is the proof of which call this is.
"""

from typing import Any

import msgspec

from callfunnel.domain.call import CallSpec
from workers.media.channels.dialect import (
    MAX_AUDIO,
    MAX_FRAME,
    Arrived,
    Broken,
    DigitPressed,
    Frame,
    Ignored,
    LineStarted,
    LineStopped,
    MarkEchoed,
    encoded,
)

_DIGITS = frozenset("0123456789*#")


class _Message(msgspec.Struct):
    type: str
    rate: int = 0
    name: str = ""
    digit: str = ""


_decode = msgspec.json.Decoder(_Message).decode
_encode = msgspec.json.Encoder().encode


class Browser:
    """The dialect of one call from the page."""

    def __init__(self, spec: CallSpec) -> None:
        self._call = spec.call
        self._started = False
        self._stopped = False

    def decode(self, binary: bool, data: bytes) -> Arrived:
        """See `Dialect.decode`."""
        if not binary:
            return self._message(data)
        if not self._started:
            return Broken("media before start")
        if not 0 < len(data) <= MAX_AUDIO:
            return Broken("payload is empty or too long")
        return Ignored() if self._stopped else (encoded(data), data)

    def media(self, ulaw: bytes) -> Frame:
        """See `Dialect.media`."""
        return Frame(True, ulaw)

    def mark(self, name: str) -> Frame:
        """See `Dialect.mark`."""
        return _text({"type": "mark", "name": name})

    def clear(self) -> Frame:
        """See `Dialect.clear`."""
        return _text({"type": "clear"})

    def bye(self, cause: str, /) -> Frame | None:
        """The page shows why the call is over."""
        return _text({"type": "bye", "cause": cause})

    def _message(self, data: bytes) -> Arrived:
        if len(data) > MAX_FRAME:
            return Broken("frame too large")
        try:
            message = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Broken("frame is no message of this protocol")
        match message:
            case _Message(type="start"):
                return self._start(message.rate)
            case _Message(type="mark", name=name):
                return MarkEchoed(name)
            case _Message(type="dtmf", digit=digit):
                return DigitPressed(digit) if digit in _DIGITS else Broken("no such key")
            case _Message(type="stop"):
                self._stopped = True
                return LineStopped()
        return Ignored()

    def _start(self, rate: int) -> Arrived:
        if self._started:
            return Broken("second start")
        if rate != 8000:
            return Broken("unsupported media format")
        self._started = True
        return LineStarted(self._call)


def _text(body: dict[str, Any]) -> Frame:
    return Frame(False, _encode(body))
