"""Frames of Media Streams in the Twilio dialect, seen from the carrier: all numbers are strings.

A carrier sends connected, start, media, dtmf, mark and stop, and takes media, mark and clear.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import msgspec

FRAME_BYTES = 160
"""20 ms of 8 kHz u-law."""
FRAME_MS = 20


@dataclass(frozen=True)
class Media:
    """Audio to be played to the caller: raw u-law, any length."""

    audio: bytes


@dataclass(frozen=True)
class Mark:
    """To be echoed once everything before it has been played."""

    name: str


@dataclass(frozen=True)
class Clear:
    """Drop what is not played yet."""


@dataclass(frozen=True)
class Refused:
    """A message no carrier accepts; `code` is the carrier's own error number."""

    code: int
    why: str


Message = Media | Mark | Clear | Refused


class Wire:
    """Numbers the messages of one stream. `stream`: MZ.., `call`: CA.., `account`: AC.."""

    def __init__(self, stream: str, call: str, account: str) -> None:
        self.stream, self.call, self.account = stream, call, account
        self._sequence = 0
        self._chunk = 0

    def connected(self) -> str:
        return _json({"event": "connected", "protocol": "Call", "version": "1.0.0"})

    def start(self, parameters: dict[str, str]) -> str:
        body = {
            "streamSid": self.stream,
            "accountSid": self.account,
            "callSid": self.call,
            "tracks": ["inbound"],
            "customParameters": parameters,
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }
        return self._numbered("start", body)

    def media(self, audio: bytes) -> str:
        """One frame of the caller's voice; its timestamp counts frames of 20 ms."""
        timestamp = str(self._chunk * FRAME_MS)
        self._chunk += 1
        body = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": timestamp,
            "payload": base64.b64encode(audio).decode("ascii"),
        }
        return self._numbered("media", body)

    def dtmf(self, digit: str) -> str:
        return self._numbered("dtmf", {"track": "inbound_track", "digit": digit})

    def mark(self, name: str) -> str:
        return self._numbered("mark", {"name": name})

    def stop(self) -> str:
        return self._numbered("stop", {"accountSid": self.account, "callSid": self.call})

    def _numbered(self, event: str, body: dict[str, Any]) -> str:
        self._sequence += 1
        head = {"event": event, "sequenceNumber": str(self._sequence), "streamSid": self.stream}
        return _json({**head, event: body})


def _json(message: dict[str, Any]) -> str:
    return msgspec.json.encode(message).decode()


def decode(message: str | bytes, stream: str) -> Message:
    """What the other side wants, as strictly as a carrier reads it; never raises."""
    if isinstance(message, bytes):
        return Refused(31950, "a binary frame")
    try:
        body = msgspec.json.decode(message)
    except (ValueError, RecursionError):
        return Refused(31950, "not JSON")
    if not isinstance(body, dict) or body.get("streamSid") != stream:
        return Refused(31924, "no or a foreign streamSid")
    return _message(body)


def _message(body: dict[str, Any]) -> Message:
    match body:
        case {"event": "media", "media": {"payload": str(payload)}}:
            try:
                return Media(base64.b64decode(payload, validate=True))
            except ValueError:  # binascii.Error is one; so is a letter that is no ASCII
                return Refused(31950, "the payload is not base64")
        case {"event": "mark", "mark": {"name": str(name)}}:
            return Mark(name)
        case {"event": "clear"}:
            return Clear()
        case _:
            return Refused(31924, f"unsupported message {str(body.get('event'))[:40]!r}")
