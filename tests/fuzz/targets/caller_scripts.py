"""What a caller on the command line says, one item a line: turns, or what is wrong with them."""

from callfunnel.carrier.caller import Press, Speak, Wait
from callfunnel.cli.script import turns
from callfunnel.domain.errors import UserError
from tests.fuzz.target import Target


def check(data: bytes) -> None:
    items = [line for line in data.decode("utf-8", "replace").split("\n") if "say:" not in line]
    try:
        found = turns(items[:8], [])
    except UserError:
        return
    assert all(isinstance(each, Press | Speak | Wait) for each in found)


TARGET = Target(
    check=check,
    seeds=(b"3s\nkey:12#\n500ms", b"over:missing.wav", b"key:\nover:", b"\x00"),
    tokens=("key:", "over:", "ms", "s"),
    most_bytes=256,
)
