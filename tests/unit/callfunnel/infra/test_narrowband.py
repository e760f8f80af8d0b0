"""Telephone audio: the codec is G.711's, and a change of rate keeps what it should and no more."""

import warnings

import numpy as np
import pytest

from callfunnel.infra.narrowband import RATE, from_ulaw, resample, to_ulaw

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    audioop = pytest.importorskip("audioop")

EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)
EVERY_CODE = bytes(range(256))


def tone(hz: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    return (8000 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)).astype(np.int16)


def level(pcm: np.ndarray) -> float:
    """Root mean square away from the ends."""
    middle = pcm[len(pcm) // 4 : -len(pcm) // 4].astype(float)
    return float(np.sqrt((middle**2).mean()))


def test_every_code_decodes_as_g711_says() -> None:
    assert from_ulaw(EVERY_CODE).tobytes() == audioop.ulaw2lin(EVERY_CODE, 2)


def test_every_sample_survives_within_the_codecs_own_step() -> None:
    ours = from_ulaw(to_ulaw(EVERY_SAMPLE)).astype(int)
    reference = np.frombuffer(
        audioop.ulaw2lin(audioop.lin2ulaw(EVERY_SAMPLE.tobytes(), 2), 2), dtype=np.int16
    ).astype(int)
    wanted = EVERY_SAMPLE.astype(int)
    assert np.abs(ours - wanted).max() <= np.abs(reference - wanted).max()


@pytest.mark.parametrize(("source", "target"), [(22050, 8000), (8000, 16000), (48000, 8000)])
def test_speech_passes_a_change_of_rate_at_its_own_level(source: int, target: int) -> None:
    for hz in (200.0, 1000.0, 3000.0):
        changed = resample(tone(hz, source), source, target)
        assert level(changed) == pytest.approx(level(tone(hz, target)), rel=0.02)


def test_what_a_telephone_cannot_carry_leaves_no_alias() -> None:
    assert level(resample(tone(6000, 22050), 22050, RATE)) < 8000 * 0.001


def test_the_length_follows_the_rate() -> None:
    assert len(resample(tone(300, 22050, 1.0), 22050, RATE)) == RATE
    assert len(resample(np.zeros(0, dtype=np.int16), 22050, RATE)) == 0
