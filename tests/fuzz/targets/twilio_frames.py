"""Frames of Twilio Media Streams, one a line; an input that begins with `s` is past its start."""

import json

from callfunnel.carrier.frames import Wire
from callfunnel.domain.call import Channel
from tests.contract.channels.suite import transcript
from tests.fuzz.target import Target, frames
from tests.simulators.room import ACCOUNT, CARRIER_CALL, spec
from workers.media.channels import dialect as wire
from workers.media.channels.registry import CHANNELS

ARRIVALS = (
    tuple,
    wire.LineStarted,
    wire.MarkEchoed,
    wire.DigitPressed,
    wire.LineStopped,
    wire.Ignored,
    wire.Broken,
)
_WIRE = Wire("MZ1", CARRIER_CALL, ACCOUNT)
_START = _WIRE.start({}).encode()


def check(data: bytes) -> None:
    line = CHANNELS[Channel.TWILIO].dialect(spec(channel=Channel.TWILIO))
    started = data[:1] == b"s"
    if started:
        line.decode(False, _START)
        data = data[1:]
    for binary, message in frames(data):
        sound(line.decode(binary, message))
    for sent in (line.media(data[:160]), line.mark("m"), line.clear()) if started else ():
        json.loads(sent.data)


def sound(arrived: object) -> None:
    """What arrived is one of the known things, and audio is safe to splice into other JSON."""
    assert isinstance(arrived, ARRIVALS), arrived
    if isinstance(arrived, tuple):
        payload, ulaw = arrived
        assert 0 < len(ulaw) <= wire.MAX_AUDIO
        assert json.loads(b'"' + payload + b'"') == payload.decode("ascii")
        assert wire.caller_audio(wire.encoded(ulaw)) == (wire.encoded(ulaw), ulaw)


TARGET = Target(
    check=check,
    seeds=(
        *(b"s" + data for binary, data, _ in transcript(Channel.TWILIO) if not binary),
        b"\n".join(data for binary, data, _ in transcript(Channel.TWILIO) if not binary),
        b"s" + _WIRE.media(b"\xff" * 160).encode() + b"\n" + _WIRE.stop().encode(),
    ),
    tokens=('{"event":"media"', '"payload":"', '"streamSid"', '"customParameters"', '"dtmf"'),
)
