"""Tones for people: u-law at 8 kHz, as long as what they stand for."""

import math

from workers.media.audio.g711 import from_linear

DELTA_MS = 100


def spoken(text: str) -> list[bytes]:
    """A tone per word, 60 ms a letter: audible, and as long as the word is."""
    return [
        tone(len(word) * 60, 300 + 20 * (index % 10)) for index, word in enumerate(text.split())
    ]


def tone(ms: int, hertz: float, level: float = 0.3) -> bytes:
    """u-law, 8000 samples a second."""
    wave = (math.sin(2 * math.pi * hertz * n / 8000) for n in range(ms * 8))
    pcm = b"".join(int(each * level * 32767).to_bytes(2, "little", signed=True) for each in wave)
    return from_linear(pcm)


def pieces(ulaw: bytes) -> list[bytes]:
    """Deltas of at most DELTA_MS."""
    return [ulaw[at : at + DELTA_MS * 8] for at in range(0, len(ulaw), DELTA_MS * 8)]
