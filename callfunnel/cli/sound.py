"""Sound files in and out: any WAV that soundfile reads becomes what a telephone carries."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import TYPE_CHECKING

from callfunnel.domain.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 8_000
LONGEST_S = 1_800
LIKELY = "give a WAV file; `file NAME` says what it is"


def read(path: Path) -> bytes:
    """The file as 8 kHz u-law, its channels mixed to one. Raises UserError."""
    from callfunnel.infra import narrowband

    samples, rate = _decoded(path)
    if not len(samples):
        raise UserError(f"{path} holds no sound", "record something into it")
    if len(samples) > rate * LONGEST_S:
        raise UserError(f"{path} is longer than {LONGEST_S // 60} minutes", "cut it")
    return narrowband.to_ulaw(narrowband.resample(samples, rate, RATE))


def _decoded(path: Path) -> tuple[NDArray[np.int16], int]:
    import numpy as np
    import soundfile

    if not _is_file(path):
        raise UserError(f"there is no file {str(path)[:200]}", "check the name")
    try:
        with soundfile.SoundFile(path) as opened:
            rate = opened.samplerate
            if not 1_000 <= rate <= 384_000:
                raise UserError(f"{path} is broken: {rate} samples a second", LIKELY)
            frames = opened.read(rate * LONGEST_S + 1, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError, MemoryError) as problem:
        why = str(getattr(problem, "error_string", problem)).strip().rstrip(".")
        raise UserError(f"{path} is no sound file that can be read ({why})", LIKELY) from None
    finite = np.clip(np.nan_to_num(frames), -1.0, 1.0)
    mixed = finite.mean(axis=1) if len(frames) else finite[:, 0]
    return np.rint(mixed * 32_767).astype(np.int16), rate


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False  # no file can have such a name


def must_be_writable(path: Path) -> None:
    """Before the call, not after it: what is there stays as it is. Raises UserError."""
    try:
        there = path.exists()
        path.open("ab").close()
        if not there:
            path.unlink()
    except (OSError, ValueError):
        raise UserError(f"{path} cannot be written", "choose another --out") from None


def write(path: Path, ulaw: bytes) -> None:
    """What was heard, as 16 bit WAV at 8 kHz."""
    from callfunnel.infra import narrowband

    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(narrowband.from_ulaw(ulaw).tobytes())
