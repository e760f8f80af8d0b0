"""Any WAV becomes telephone audio; what is none is refused in one line."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from callfunnel.cli import sound
from callfunnel.domain.errors import UserError


def tone(path: Path, rate: int, channels: int = 1, subtype: str = "PCM_16") -> Path:
    times = np.arange(rate) / rate
    wave = 0.5 * np.sin(2 * np.pi * 440 * times)
    soundfile.write(path, np.stack([wave] * channels, axis=1), rate, subtype=subtype)
    return path


@pytest.mark.parametrize(
    ("rate", "channels", "subtype"),
    [
        (8_000, 1, "PCM_16"),
        (16_000, 1, "PCM_24"),
        (44_100, 2, "FLOAT"),
        (48_000, 2, "PCM_U8"),
        (8_000, 1, "ULAW"),
    ],
)
def test_one_second_of_any_wav_is_one_second_of_ulaw(
    tmp_path: Path, rate: int, channels: int, subtype: str
) -> None:
    ulaw = sound.read(tone(tmp_path / "tone.wav", rate, channels, subtype))
    assert abs(len(ulaw) - 8_000) <= 1
    assert len(set(ulaw)) > 20


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFF\x24\x00\x00\x00WAVEfmt ", b"hello\n" * 100, b"\x00" * 4096]
)
def test_a_file_that_is_no_sound_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    with pytest.raises(UserError) as refused:
        sound.read(path)
    assert "\n" not in str(refused.value)
    assert "broken.wav" in str(refused.value)


def test_a_wav_without_samples_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    soundfile.write(path, np.zeros((0, 1)), 8_000)
    with pytest.raises(UserError, match="no sound"):
        sound.read(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.wav", tmp_path):
        with pytest.raises(UserError, match="no file"):
            sound.read(path)


def test_an_absurd_sample_rate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fast.wav"
    soundfile.write(path, np.zeros((10, 1)), 1_000_000)
    with pytest.raises(UserError, match="samples a second"):
        sound.read(path)


def test_what_was_heard_can_be_read_again(tmp_path: Path) -> None:
    heard = sound.read(tone(tmp_path / "tone.wav", 8_000))
    sound.write(tmp_path / "heard.wav", heard)
    assert sound.read(tmp_path / "heard.wav") == heard


def test_an_unwritable_place_is_said_before_the_call(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        sound.must_be_writable(tmp_path / "no" / "folder" / "out.wav")
    with pytest.raises(UserError, match="cannot be written"):
        sound.must_be_writable(tmp_path)
    sound.must_be_writable(tmp_path / "out.wav")
    assert not (tmp_path / "out.wav").exists()
