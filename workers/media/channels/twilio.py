"""Twilio Media Streams, bidirectional: JSON in TEXT frames, numbers as strings, u-law 8 kHz.

Media frames take the short way: found by their prefix and cut out as bytes, then checked as
strict base64. Everything else, and a media frame written in another key order, is decoded whole.
"""

import msgspec

from callfunnel.domain.call import CallSpec
from workers.media.channels.dialect import (
    MAX_FRAME,
    Arrived,
    Broken,
    DigitPressed,
    Frame,
    Ignored,
    LineStarted,
    LineStopped,
    MarkEchoed,
    caller_audio,
    encoded,
)

_MEDIA = b'{"event":"media"'
_PAYLOAD = b'"payload":"'
_DIGITS = frozenset("0123456789*#ABCD")


class _Format(msgspec.Struct):
    encoding: str = ""
    sampleRate: int | str = 0  # noqa: N815 (the wire's own name)


class _Start(msgspec.Struct, rename="camel"):
    stream_sid: str = ""
    account_sid: str = ""
    call_sid: str = ""
    media_format: _Format = msgspec.field(default_factory=_Format)


class _Media(msgspec.Struct):
    payload: str = ""
    track: str = "inbound"


class _Mark(msgspec.Struct):
    name: str = ""


class _Dtmf(msgspec.Struct):
    digit: str = ""


class _Message(msgspec.Struct, rename="camel"):
    event: str
    stream_sid: str = ""
    start: _Start | None = None
    media: _Media | None = None
    mark: _Mark | None = None
    dtmf: _Dtmf | None = None


_decode = msgspec.json.Decoder(_Message).decode
_encode = msgspec.json.Encoder().encode


class Twilio:
    """The dialect of one call; `start` must name the call and account that were reserved."""

    def __init__(self, spec: CallSpec) -> None:
        self._call = spec.carrier_call_id
        self._account = spec.carrier_account
        self._stream = ""
        self._stopped = False
        self._media_head = b""

    def decode(self, binary: bool, data: bytes) -> Arrived:
        """See `Dialect.decode`."""
        if not binary and data.startswith(_MEDIA) and len(data) <= MAX_FRAME:
            begin = data.find(_PAYLOAD) + len(_PAYLOAD)
            if begin >= len(_PAYLOAD):
                return self._audio(data[begin : data.find(b'"', begin)])
        return self._message(binary, data)

    def media(self, ulaw: bytes) -> Frame:
        """See `Dialect.media`."""
        return Frame(False, self._media_head + encoded(ulaw) + b'"}}')

    def mark(self, name: str) -> Frame:
        """See `Dialect.mark`."""
        body = {"event": "mark", "streamSid": self._stream, "mark": {"name": name}}
        return Frame(False, _encode(body))

    def clear(self) -> Frame:
        """See `Dialect.clear`."""
        return Frame(False, _encode({"event": "clear", "streamSid": self._stream}))

    def bye(self, _cause: str, /) -> Frame | None:
        """Twilio knows no farewell: closing the socket is the end of `<Connect>`."""
        return None

    def _audio(self, payload: bytes) -> Arrived:
        if not self._stream:
            return Broken("media before start")
        return Ignored() if self._stopped else caller_audio(payload)

    def _message(self, binary: bool, data: bytes) -> Arrived:
        if binary:
            return Broken("binary frame")
        if len(data) > MAX_FRAME:
            return Broken("frame too large")
        try:
            message = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Broken("frame is no message of this protocol")
        return self._event(message)

    def _event(self, message: _Message) -> Arrived:
        match message:
            case _Message(event="start", start=_Start() as start):
                return self._started(start)
            case _Message(event="media", media=_Media(payload=payload, track=track)):
                wanted = track in ("inbound", "inbound_track")
                return self._audio(payload.encode()) if wanted else Ignored()
            case _Message(event="mark", mark=_Mark(name=name)):
                return MarkEchoed(name)
            case _Message(event="dtmf", dtmf=_Dtmf(digit=digit)):
                return DigitPressed(digit) if digit in _DIGITS else Broken("no such key")
            case _Message(event="stop"):
                self._stopped = True
                return LineStopped()
            case _Message(event="start" | "media" | "mark" | "dtmf"):
                return Broken("frame lacks its body")
        return Ignored()

    def _started(self, start: _Start) -> Arrived:
        if self._stream:
            return Broken("second start")
        if start.call_sid != self._call or (self._account and start.account_sid != self._account):
            return Broken("start names another call")
        form = start.media_format
        if form.encoding != "audio/x-mulaw" or str(form.sampleRate) != "8000":
            return Broken("unsupported media format")
        if not start.stream_sid:
            return Broken("start without a stream")
        self._stream = start.stream_sid
        self._media_head = (
            _encode({"event": "media", "streamSid": self._stream})[:-1] + b',"media":{"payload":"'
        )
        return LineStarted(self._stream)
