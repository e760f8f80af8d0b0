"""Speech for the offline agent, for sentences a bought model cannot speak, and for test callers.

The espeak-ng program runs beside (see `infra/espeak.py`); here are its two clients: `Synthesizer`
for an event loop, `speak_once` for a command. Both give telephone audio: u-law at 8 kHz.
"""

from __future__ import annotations

import re
import unicodedata
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from callfunnel.infra.companion import Companion, CompanionFailed, Meta, ask_once, module

VOICE = "en-us"
WORDS_PER_MINUTE = 165
TEXT_LIMIT = 2000
_CACHE_BYTES = 8 * 1024 * 1024
_DEADLINE_S = 5.0
_PROGRAM = module("callfunnel.infra.espeak")


class SpeechFailed(Exception):
    """The sentence cannot be spoken: no such voice, or the program is gone twice in a row."""


@dataclass(frozen=True, slots=True)
class Speech:
    """A spoken sentence. `word_ends[i]` is where the i-th word of `text.split()` ends, in samples
    (8000 a second); the last is the end of the audio."""

    text: str
    ulaw: bytes
    word_ends: tuple[int, ...]

    @property
    def samples(self) -> int:
        return len(self.ulaw)


class Synthesizer:
    """One speech program for a process; repeated sentences are remembered, up to a few MB."""

    def __init__(self, program: Sequence[str] = _PROGRAM, deadline_s: float = _DEADLINE_S) -> None:
        self._program = Companion(program, deadline_s)
        self._cache: OrderedDict[tuple[str, str, int], Speech] = OrderedDict()
        self._cached = 0

    async def synthesize(
        self, text: str, *, voice: str = VOICE, rate: int = WORDS_PER_MINUTE
    ) -> Speech:
        """`text` as speech. Raises SpeechFailed; a program that died or hung is tried once more."""
        text = speakable(text)
        key = (text, voice, rate)
        if known := self._cache.get(key):
            self._cache.move_to_end(key)
            return known
        try:
            meta, ulaw = await self._program.ask({"text": text, "voice": voice, "rate": rate})
        except CompanionFailed as error:
            raise SpeechFailed(str(error)) from error
        speech = _speech(text, meta, ulaw)
        self._remember(key, speech)
        return speech

    async def close(self) -> None:
        """Ends the program."""
        await self._program.close()

    def _remember(self, key: tuple[str, str, int], speech: Speech) -> None:
        if key in self._cache:
            return
        self._cache[key] = speech
        self._cached += speech.samples
        while self._cached > _CACHE_BYTES:
            _, dropped = self._cache.popitem(last=False)
            self._cached -= dropped.samples


def speak_once(text: str, *, voice: str = VOICE, rate: int = WORDS_PER_MINUTE) -> Speech:
    """`text` as speech, by a program started for it alone. Raises SpeechFailed. Blocks ~0.3 s."""
    text = speakable(text)
    try:
        meta, ulaw = ask_once(_PROGRAM, {"text": text, "voice": voice, "rate": rate}, 30.0)
    except CompanionFailed as error:
        raise SpeechFailed(str(error)) from error
    return _speech(text, meta, ulaw)


def speakable(text: str) -> str:
    """`text` on one line, without control characters, at most TEXT_LIMIT long."""
    plain = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text)
    return " ".join(plain.split())[:TEXT_LIMIT]


def word_ends(text: str, starts: Sequence[Sequence[int]], samples: int) -> tuple[int, ...]:
    """Where each word of `text.split()` ends, from the (character, sample) starts of the parts.

    A word of several parts ("25-year") begins with its first; one without a part of its own ends
    where it begins. Never decreasing, never beyond `samples`.
    """
    begins: list[int] = []
    left = list(starts)
    for word in re.finditer(r"\S+", text):
        while left and left[0][0] < word.start():
            left.pop(0)
        inside = left and left[0][0] < word.end()
        begins.append(left[0][1] if inside or left else samples)
    ends: list[int] = []
    for following in [*begins[1:], samples]:
        ends.append(min(samples, max(following, ends[-1] if ends else 0)))
    return tuple(ends) if begins else ()


def _speech(text: str, meta: Meta, ulaw: bytes) -> Speech:
    if "error" in meta:
        raise SpeechFailed(meta["error"])
    return Speech(text, ulaw, word_ends(text, meta["starts"], len(ulaw)))
