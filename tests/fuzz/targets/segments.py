"""Recording segments as they lie on the bus: a list of msgpack bodies, planned and put together."""

import io

import msgspec
import soundfile

from callfunnel.domain.errors import Permanent
from callfunnel.events.audio import AudioSegment
from callfunnel.events.envelope import from_wire
from tests.fuzz.target import Target
from workers.persistence.recordings.assembly import assembled
from workers.persistence.recordings.rules import LONGEST_MS, plan

_CALL = "c_" + "a" * 26
_HEADERS = {"ce-type": "callfunnel.audio.segment.v1", "ce-id": f"{_CALL}-a-0"}


def check(data: bytes) -> None:
    try:
        bodies = msgspec.msgpack.decode(data, type=list[bytes])
    except (msgspec.DecodeError, RecursionError):
        bodies = [data]
    found: list[AudioSegment] = []
    for body in bodies[:8]:
        try:
            found.append(from_wire(_HEADERS, body, f"cf.demo.audio.{_CALL}.segment").data)
        except Permanent:
            continue
    for expected in (-1, len(bodies)):
        made = plan(found, expected, 1000)
        assert 0 <= made.samples <= LONGEST_MS * 8
        assert made.missing >= 0
        if made.samples <= 80_000 and made.parts:
            assert soundfile.info(io.BytesIO(assembled(made))).frames == made.samples


def _body(n: int, start: int, size: int) -> bytes:
    side = b"\xff" * size
    return msgspec.msgpack.encode(AudioSegment(n=n, start=start, caller=side, agent=side))


TARGET = Target(
    check=check,
    seeds=(
        msgspec.msgpack.encode([_body(0, 0, 160), _body(1, 160, 160)]),
        msgspec.msgpack.encode([_body(0, 0, 80), _body(2, 2**33, 80)]),
        _body(3, 480, 8),
    ),
    tokens=("start", "caller", "agent"),
    most_bytes=2048,
)
