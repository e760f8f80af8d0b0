"""The speech program: `python -m callfunnel.infra.espeak` speaks what it is asked on stdin.

A program of its own because espeak-ng is GPL and because a crash in it must cost one sentence,
never a call. Frames as in `infra/companion`: {text, voice, rate} is answered with
{starts: [[character, sample], ..]}, where each word begins, and the audio, u-law at 8 kHz.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Any

import espeakng_loader
import numpy as np

from callfunnel.infra.companion import Meta, serve
from callfunnel.infra.narrowband import RATE, resample, to_ulaw

TEXT_LIMIT = 2000
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_UTF8 = 1
_RATE_PARAMETER = 1
_END_OF_LIST, _WORD = 0, 1
_TAIL_MS = 120  # silence kept after the last sound: a sentence may end, not fade for a second
_QUIET = 160  # amplitude below which the end of a sentence counts as silence


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("text", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Voice:
    """The library, once per process: espeak-ng is one global state."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        # The library keeps its data path in 160 bytes: a relative one always fits.
        os.chdir(Path(espeakng_loader.get_data_path()).parent)
        self._source = self._library.espeak_Initialize(_SYNCHRONOUS, 0, b".", _DONT_EXIT)
        if self._source <= 0:
            raise RuntimeError("espeak-ng cannot read its data")
        self._audio: list[bytes] = []
        self._starts: list[tuple[int, int]] = []
        self._callback = _Callback(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)
        self._chosen = ("", 0)

    def speak(self, text: str, voice: str, rate: int) -> tuple[bytes, list[tuple[int, int]]]:
        """u-law audio of `text` and where its words begin. Raises ValueError for what it cannot."""
        self._choose(voice, rate)
        self._audio, self._starts = [], []
        encoded = text.encode() + b"\0"
        if self._library.espeak_Synth(encoded, len(encoded), 0, 1, 0, _UTF8, None, None):
            raise ValueError("espeak-ng did not take the text")
        pcm = np.frombuffer(b"".join(self._audio), dtype=np.int16)
        pcm = resample(_without_tail(pcm, self._source), self._source, RATE)
        scale = RATE / self._source
        starts = [(at - 1, min(int(sample * scale), len(pcm))) for at, sample in self._starts]
        return to_ulaw(pcm), starts

    def _choose(self, voice: str, rate: int) -> None:
        if self._chosen == (voice, rate):
            return
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"no voice {voice!r}")
        self._library.espeak_SetParameter(_RATE_PARAMETER, rate, 0)
        self._chosen = (voice, rate)

    def _collect(self, wave: Any, count: int, events: Any) -> int:
        if wave and count > 0:
            self._audio.append(ctypes.string_at(wave, count * 2))
        index = 0
        while events[index].type != _END_OF_LIST:
            if events[index].type == _WORD:
                self._starts.append((events[index].text_position, events[index].sample))
            index += 1
        return 0


def _without_tail(pcm: np.ndarray[Any, np.dtype[np.int16]], rate: int) -> Any:
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > _QUIET)
    end = int(loud[-1]) + 1 + rate * _TAIL_MS // 1000 if len(loud) else 0
    return pcm[:end]


def main() -> None:
    """Answers on stdin and stdout until stdin ends."""
    voice = Voice()

    def answer(asked: Meta, _: bytes) -> tuple[Meta, bytes]:
        text = str(asked["text"])[:TEXT_LIMIT]
        audio, starts = voice.speak(text, str(asked["voice"]), int(asked["rate"]))
        return {"starts": starts}, audio

    serve(answer, sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
