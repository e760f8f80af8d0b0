"""u-law at 8 kHz: the only audio inside the worker. One byte is one sample."""

import math
import warnings
from typing import Final

with warnings.catch_warnings():
    # Gone from the standard library in 3.13; audioop-lts is the same module there, unwarned.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

RATE: Final = 8000
FRAME: Final = 160
"""Samples of the 20 ms that carriers send."""
FRAME_S: Final = 0.02
SILENCE: Final = b"\xff"
"""One sample of digital silence."""
QUIET_DB: Final = -90.0
"""What a level of nothing at all is taken as."""


def to_linear(ulaw: bytes) -> bytes:
    """16-bit little-endian samples, as many as `ulaw` has bytes."""
    return audioop.ulaw2lin(ulaw, 2)


def from_linear(pcm: bytes) -> bytes:
    """u-law, half as many bytes as `pcm`."""
    return audioop.lin2ulaw(pcm, 2)


def level_db(pcm: bytes) -> float:
    """Root mean square of 16-bit samples, in dB below full scale (0 is full, -90 is nothing)."""
    rms = audioop.rms(pcm, 2)
    return 20.0 * math.log10(rms / 32768.0) if rms else QUIET_DB
