"""Telephone audio: G.711 u-law bytes and band-limited changes of the sample rate, on arrays.

For whole utterances (synthesis, recognition, files). The 20 ms path of a live call does not
come here: array libraries cost ten times more than they save on 160 samples.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

RATE = 8000
_BIAS = 0x84
_CLIP = 32635
_CROSSINGS = 16  # zero crossings of the sinc on each side: steep enough for 3.7 kHz of speech
_BLOCK = 4096  # outputs computed at once: bounds the memory of a long sentence


def from_ulaw(ulaw: bytes) -> Pcm:
    """The linear samples of G.711 u-law bytes."""
    pcm: Pcm = _decode_table()[np.frombuffer(ulaw, dtype=np.uint8)]
    return pcm


def to_ulaw(pcm: Pcm) -> bytes:
    """G.711 u-law bytes of linear samples, louder ones clipped."""
    return _encode_table()[pcm.astype(np.int32) + 32768].tobytes()


def resample(pcm: Pcm, source: int, target: int) -> Pcm:
    """`pcm` of `source` Hz as samples of `target` Hz, without delay and without aliases."""
    if source == target or not len(pcm):
        return pcm
    shared = gcd(source, target)
    up, down = target // shared, source // shared
    filters, half = _filters(up, down)
    padded = np.pad(pcm.astype(np.float32), (half, half))
    count = (len(pcm) * up + down - 1) // down
    parts = []
    for start in range(0, count, _BLOCK):
        positions = np.arange(start, min(start + _BLOCK, count)) * down
        windows = padded[(positions // up)[:, None] + np.arange(2 * half)]
        parts.append(np.einsum("ij,ij->i", windows, filters[positions % up]))
    changed: Pcm = np.clip(np.rint(np.concatenate(parts)), -32768, 32767).astype(np.int16)
    return changed


@lru_cache(maxsize=8)
def _filters(up: int, down: int) -> tuple[NDArray[np.float32], int]:
    """One windowed-sinc filter per output phase, and how many inputs it looks back."""
    stretch = max(1.0, down / up)
    half = int(np.ceil(_CROSSINGS * stretch)) + 1
    offsets = np.arange(2 * half)[None, :] - half - np.arange(up)[:, None] / up
    window = np.i0(8.0 * np.sqrt(np.clip(1 - (offsets / half) ** 2, 0, 1))) / np.i0(8.0)
    cutoff = 0.94 / stretch
    table = cutoff * np.sinc(offsets * cutoff) * window
    table /= table.sum(axis=1, keepdims=True)
    return table.astype(np.float32), half


@lru_cache(maxsize=1)
def _decode_table() -> Pcm:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + _BIAS << (code >> 4 & 7)) - _BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


@lru_cache(maxsize=1)
def _encode_table() -> NDArray[np.uint8]:
    samples = np.arange(-32768, 32768, dtype=np.int32)
    magnitude = np.minimum(np.abs(samples), _CLIP) + _BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = magnitude >> (exponent + 3) & 0x0F
    sign = np.where(samples < 0, 0x80, 0)
    table: NDArray[np.uint8] = (~(sign | exponent << 4 | mantissa) & 0xFF).astype(np.uint8)
    return table
