"""Speech for the offline agent, for sentences a bought model cannot speak, and for test callers.

The espeak-ng program runs beside (see `infra/espeak.py`); here are its two clients: `Synthesizer`
for an event loop, `speak_once` for a command. Both give telephone audio: u-law at 8 kHz.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import struct
import subprocess
import sys
import unicodedata
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

VOICE = "en-us"
WORDS_PER_MINUTE = 165
TEXT_LIMIT = 2000
_CACHE_BYTES = 8 * 1024 * 1024
_DEADLINE_S = 5.0
_PROGRAM = (sys.executable, "-m", "callfunnel.infra.espeak")
_REPLY_LIMIT = 16 * 1024 * 1024


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
    """One speech program, started when first needed, restarted when it dies."""

    def __init__(self, program: Sequence[str] = _PROGRAM, deadline_s: float = _DEADLINE_S) -> None:
        self._program = tuple(program)
        self._deadline_s = deadline_s
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
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
        async with self._turn:
            try:
                speech = await self._with_second_chance(text, voice, rate)
            except asyncio.CancelledError:
                self._drop()  # its answer is still to come: the next question must not read it
                raise
        self._remember(key, speech)
        return speech

    async def close(self) -> None:
        """Ends the program."""
        process = self._drop()
        if process is not None:
            await process.wait()

    def _drop(self) -> asyncio.subprocess.Process | None:
        """Forgets the program and ends it: by its input, so that one already dead is no error,
        and by force for one that hangs."""
        process, self._process = self._process, None
        if process is None:
            return None
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        return process

    async def _with_second_chance(self, text: str, voice: str, rate: int) -> Speech:
        for _ in range(2):
            try:
                async with asyncio.timeout(self._deadline_s):
                    return await self._ask(text, voice, rate)
            except (TimeoutError, OSError, asyncio.IncompleteReadError, ValueError):
                await self.close()
        raise SpeechFailed("the speech program died twice")

    async def _ask(self, text: str, voice: str, rate: int) -> Speech:
        process = await self._running()
        if process.stdin is None or process.stdout is None:
            raise OSError("the speech program has no pipes")
        process.stdin.write(_request(text, voice, rate))
        await process.stdin.drain()
        meta = await process.stdout.readexactly(_length(await process.stdout.readexactly(4)))
        ulaw = await process.stdout.readexactly(_length(await process.stdout.readexactly(4)))
        return _speech(text, meta, ulaw)

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *self._program,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(),
                start_new_session=True,  # Ctrl-C at a terminal must not silence live calls
            )
        return self._process

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
        done = subprocess.run(
            _PROGRAM,
            input=_request(text, voice, rate),
            stdout=subprocess.PIPE,
            env=_environment(),
            timeout=30,
            check=True,
        )
        head = _length(done.stdout[:4])
        return _speech(text, done.stdout[4 : 4 + head], done.stdout[8 + head :])
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise SpeechFailed(f"the speech program failed: {error}") from error


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


def _request(text: str, voice: str, rate: int) -> bytes:
    body = json.dumps({"text": text, "voice": voice, "rate": rate}).encode()
    return struct.pack("!I", len(body)) + body


def _length(head: bytes) -> int:
    (length,) = struct.unpack("!I", head)
    if length > _REPLY_LIMIT:
        raise ValueError("the speech program answered out of bounds")
    return int(length)


def _speech(text: str, meta: bytes, ulaw: bytes) -> Speech:
    answer = json.loads(meta)
    if "error" in answer:
        raise SpeechFailed(answer["error"])
    return Speech(text, ulaw, word_ends(text, answer["starts"], len(ulaw)))


def _environment() -> dict[str, str]:
    """Ours, with this package importable also where it is not installed."""
    here = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([here, known] if known else [here])}
