"""Sound files given to the command line: u-law of the telephone, or a UserError that says why."""

import io
import tempfile
import wave
from pathlib import Path

import numpy as np
import soundfile

from callfunnel.cli import sound
from callfunnel.domain.errors import UserError
from tests.fuzz.target import Target


def check(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.wav"
        path.write_bytes(data)
        try:
            heard = sound.read(path)
        except UserError:
            return
    assert 0 < len(heard) <= sound.LONGEST_S * sound.RATE


def _wave(channels: int, rate: int, width: int) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(bytes(range(48)) * 4)
    return out.getvalue()


def _coded(form: str, subtype: str) -> bytes:
    out = io.BytesIO()
    tone = np.sin(np.arange(400) / 5).astype(np.float32)
    soundfile.write(out, tone, 8000, format=form, subtype=subtype)
    return out.getvalue()


TARGET = Target(
    check=check,
    seeds=(
        _wave(1, 8000, 2),
        _wave(2, 44100, 3),
        _coded("WAV", "ULAW"),
        _coded("WAV", "FLOAT"),
        _coded("WAV", "MS_ADPCM"),
        _coded("FLAC", "PCM_16"),
        _coded("AIFF", "PCM_16"),
    ),
    tokens=("RIFF", "WAVEfmt ", "data", "fLaC", "LIST", "FORM", "AIFF", "\xff\xff\xff\xff"),
)
