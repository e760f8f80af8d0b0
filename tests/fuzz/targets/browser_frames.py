"""Frames of the browser phone, one a line; an input that begins with `s` is past its start."""

from callfunnel.domain.call import Channel
from tests.contract.channels.suite import transcript
from tests.fuzz.target import Target, frames
from tests.fuzz.targets.twilio_frames import sound
from tests.simulators.room import spec
from workers.media.channels.registry import CHANNELS

_START = b'{"type":"start","rate":8000}'


def check(data: bytes) -> None:
    line = CHANNELS[Channel.BROWSER].dialect(spec(channel=Channel.BROWSER))
    if data[:1] == b"s":
        line.decode(False, _START)
        data = data[1:]
    for binary, message in frames(data):
        sound(line.decode(binary, message))


TARGET = Target(
    check=check,
    seeds=(
        *(b"s" + b"\x01" * binary + data for binary, data, _ in transcript(Channel.BROWSER)),
        _START + b"\n\x01" + b"\xff" * 160 + b'\n{"type":"stop"}',
    ),
    tokens=('{"type":"', '"rate":8000', '"name":"', '"digit":"'),
)
