"""Times that travel inside silent audio: each bit is the sign of a zero, of which u-law has two.

A frame of 160 samples carries 48 bits in its first 48 (64 characters of base64): a clock of
microseconds and a number. Nobody hears it, no voice detector sees it, and whatever relays the
audio relays the stamp, so a frame is recognised without trusting its order.
"""

import base64
import time
from typing import Final

SAMPLES: Final = 48
CHARACTERS: Final = 64
"""Of base64: 48 samples end on a character."""
_CLOCK: Final = 1 << 32
_ZEROS: Final = [
    bytes(0x7F if byte >> (7 - bit) & 1 else 0xFF for bit in range(8)) for byte in range(256)
]
_DIGITS: Final = bytes(0x30 if sample >= 0x80 else 0x31 for sample in range(256))


def now_us() -> int:
    """The clock all processes of a machine share, in microseconds, 32 bits of it."""
    return time.monotonic_ns() // 1000 % _CLOCK


def since_us(then: int, now: int) -> int:
    """How long after `then` is `now`; negative when it is before."""
    return (now - then + _CLOCK // 2) % _CLOCK - _CLOCK // 2


def stamp(at_us: int, number: int) -> bytes:
    """The first samples of a frame."""
    bits = (at_us << 16 | number).to_bytes(6, "big")
    return b"".join([_ZEROS[byte] for byte in bits])


def read(payload: bytes) -> tuple[int, int]:
    """Time and number in a frame's base64 (the beginning is enough)."""
    samples = base64.b64decode(payload[:CHARACTERS])
    bits = int(samples.translate(_DIGITS), 2)
    return bits >> 16, bits & 0xFFFF
