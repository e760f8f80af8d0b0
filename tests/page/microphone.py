"""A recording for the browser's fake microphone: sentences at given moments, silence between."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from callfunnel.infra.speech import speak_once
from workers.media.audio.g711 import to_linear

RATE = 48_000
QUIET = 0.0005
"""A real microphone is never digitally silent."""


def record(file: Path, sentences: Sequence[tuple[float, str]], seconds: float) -> None:
    """Writes a WAV in which each (second, sentence) is said."""
    noise = np.random.default_rng(1).normal(0, QUIET, int(seconds * RATE)).astype(np.float32)
    for second, text in sentences:
        said = _at_rate(speak_once(text).ulaw)
        start = int(second * RATE)
        noise[start : start + len(said)] += said[: len(noise) - start]
    soundfile.write(file, noise, RATE, subtype="PCM_16")


def _at_rate(ulaw: bytes) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """Telephone audio at the microphone's rate: six times as many samples, smoothed."""
    samples = np.frombuffer(to_linear(ulaw), np.int16).astype(np.float32) / 32768
    spread = np.zeros(len(samples) * 6, np.float32)
    spread[::6] = samples * 6
    taps = np.sinc(np.arange(-96, 97) / 6.5) * np.hamming(193) / 6.5
    return np.convolve(spread, taps.astype(np.float32), "same").astype(np.float32)
