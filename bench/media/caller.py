"""The caller's end: a carrier of the Twilio dialect whose frames are stamped.

It keeps the clock that a perfect worker would keep (a frame leaves when its audio is there and
the carrier has less than the window ahead); what a frame comes later than that is added latency.
"""

import asyncio
import base64
import json
from collections import deque
from typing import Any, Final

import picows

from bench.media.dialogue import Dialogue, Happens
from bench.media.model import TEXT, ModelPeer
from bench.media.seen import Seen
from bench.media.stamps import SAMPLES, now_us, read, since_us, stamp

_FRAME_US: Final = 20_000
_AHEAD_US: Final = 120_000
_MEDIA: Final = b'"event":"media"'
_MARK: Final = b'"event":"mark"'
_CLEAR: Final = b'"event":"clear"'
_PAYLOAD: Final = b'"payload":"'


class CallerPeer(picows.WSListener):
    """One call. `number` is in every stamp; `voice`: frames of speech, less their stamps."""

    def __init__(self, number: int, call_id: str, account: str, seen: Seen) -> None:
        self.number = number
        self.seen = seen
        self.model: ModelPeer | None = None
        self.claimed = asyncio.Event()
        self.ended = False
        self._names = (call_id, account)
        self._dialogue = Dialogue(number)
        self._transport: Any = None
        self._began = now_us()
        self._sequence = self._heard = 0
        self._playhead: int | None = None
        self._marks: deque[tuple[int, bytes]] = deque()
        self._noticed: int | None = None

    def on_ws_connected(self, transport: Any) -> None:
        call, account = self._names
        self._transport = transport
        head = {"streamSid": f"MZ{self.number:032d}", "accountSid": account}
        form = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
        start = {**head, "callSid": call, "tracks": ["inbound"], "mediaFormat": form}
        transport.send(TEXT, b'{"event":"connected","protocol":"Call","version":"1.0.0"}')
        transport.send(TEXT, json.dumps({"event": "start", **head, "start": start}).encode())

    def on_ws_disconnected(self, _transport: Any) -> None:
        if not self.ended:
            self.seen.gone += 1
        self._transport = None

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.disconnect()
            return
        now, data = now_us(), frame.get_payload_as_bytes()
        head = data[:60]
        if _MEDIA in head:
            self._play(data, now)
        elif _MARK in head:
            self._marks.append((self._playhead or now, data))
        elif _CLEAR in head:
            self._clear(now)

    def step(self, voice: list[tuple[bytes, bytes]]) -> None:
        """20 ms of the caller, and what the model does meanwhile; `voice[0]` is silence."""
        if self._transport is None:
            return
        self._echo(now_us())
        if self.model is None:  # not known yet: silence, so that it gets to know us
            self._say(voice[0])
            return
        self.model.tick()
        talks = self.model.talks or bool(self._marks)
        happens = self._dialogue.step(self._heard, talks)
        speech = voice[self._sequence % (len(voice) - 1) + 1]
        self._say(speech if self._dialogue.speaking else voice[0])
        if happens is Happens.NOTICED:
            self._begin_turn()
        elif happens is Happens.OVER:
            self.model.turn_over()

    def belongs_to(self, model: ModelPeer) -> None:
        """The worker has opened this session for the call."""
        self.model = model
        self.claimed.set()

    def hang_up(self) -> None:
        """As a caller does: stop, and the socket is closed."""
        self.ended = True
        if self._transport is not None:
            self._transport.send(TEXT, b'{"event":"stop","stop":{}}')
            self._transport.send_close(picows.WSCloseCode.OK)
            self._transport.disconnect()

    def _begin_turn(self) -> None:
        assert self.model is not None
        interrupts = self.model.talks or bool(self._marks)
        if self._noticed is not None:
            self.seen.uncleared += 1
        at = self.model.notice()
        self._noticed = at if interrupts else None
        self._heard = 0

    def _say(self, frame: tuple[bytes, bytes]) -> None:
        self._sequence += 1
        n = self._sequence
        head = (
            f'{{"event":"media","sequenceNumber":"{n}","media":{{"track":"inbound","chunk":"{n}",'
            f'"timestamp":"{n * 20}","payload":"'
        ).encode()
        stamped = base64.b64encode(stamp(now_us(), self.number))
        self._transport.send(TEXT, b"".join((head, stamped, *frame)))

    def _play(self, data: bytes, now: int) -> None:
        begin = data.find(_PAYLOAD) + len(_PAYLOAD)
        at, frame = read(data[begin : begin + 64])
        if self._playhead is None:
            self._playhead = at
            self.seen.setup.append(since_us(self._began, now))
        ahead = since_us(at, self._playhead)
        due = (at + max(0, ahead - _AHEAD_US)) % (1 << 32)
        self.seen.to_caller.append(since_us(due, now))
        self._playhead = (at + max(ahead, since_us(at, due)) + _FRAME_US) % (1 << 32)
        self._heard = frame + 1

    def _clear(self, now: int) -> None:
        if self._noticed is not None:
            self.seen.to_clear.append(since_us(self._noticed, now))
            self._noticed = None
        if self._playhead is not None and since_us(now, self._playhead) > 0:
            self._playhead = now
        self._echo(None)

    def _echo(self, now: int | None) -> None:
        """Marks that were played by now; all of them, when what was not played is dropped."""
        while self._marks and (now is None or since_us(self._marks[0][0], now) >= 0):
            self._transport.send(TEXT, self._marks.popleft()[1])


def framed(ulaw: bytes, stream: str) -> tuple[bytes, bytes]:
    """What follows the stamp in a media message: the rest of the payload, and the message's end."""
    return base64.b64encode(ulaw[SAMPLES:]), f'"}},"streamSid":"{stream}"}}'.encode()
