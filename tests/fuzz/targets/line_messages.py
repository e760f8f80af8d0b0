"""What the platform sends on a carrier's socket, as the command line's own carrier reads it."""

from callfunnel.carrier.frames import Clear, Mark, Media, Refused, Wire, decode
from callfunnel.carrier.stream import MediaStream
from tests.fuzz.target import Target, frames


def check(data: bytes) -> None:
    stream = MediaStream(Wire("MZ1", "CA1", "AC1"))
    for binary, message in frames(data):
        text = message if binary else message.decode("utf-8", "replace")
        read = decode(text, "MZ1")
        assert isinstance(read, Media | Mark | Clear | Refused), read
        assert all(isinstance(each, str) for each in stream.receive(text))
    assert stream.hear(20).audio is not None


TARGET = Target(
    check=check,
    seeds=(
        b'{"event":"media","streamSid":"MZ1","media":{"payload":"//8="}}',
        b'{"event":"mark","streamSid":"MZ1","mark":{"name":"a"}}',
        b'{"event":"clear","streamSid":"MZ1"}\n{"event":"x","streamSid":"MZ1"}',
    ),
    tokens=('{"event":"', '"streamSid":"MZ1"', '"payload":"', '"mark":{"name":"'),
)
