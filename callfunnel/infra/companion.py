"""A program that runs beside a process and answers questions over its pipes, one at a time.

For libraries that must not live in a worker: under another licence, able to crash, or busy for
longer than an event loop may stand still. One frame each way: two lengths (4 bytes each), a JSON
object, bytes. The program ends with its input; a dead or hanging one is replaced by the next
question.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

Meta = dict[str, Any]
Answer = Callable[[Meta, bytes], tuple[Meta, bytes]]

_HEAD = struct.Struct("!II")
_LIMIT = 16 * 1024 * 1024


class CompanionFailed(Exception):
    """The program died or hung twice over one question, or answered what is no frame."""


class NoFrame(ValueError):
    """These bytes are no frame."""


class Companion:
    """One program, started by the first question (or `start`) and restarted when it dies."""

    def __init__(self, program: Sequence[str], deadline_s: float) -> None:
        self._program = tuple(program)
        self._deadline_s = deadline_s
        self._process: asyncio.subprocess.Process | None = None
        self._ended: list[asyncio.subprocess.Process] = []
        self._turn = asyncio.Lock()

    async def ask(self, meta: Meta, payload: bytes = b"") -> tuple[Meta, bytes]:
        """The program's answer. Raises CompanionFailed after a second try with a new program."""
        async with self._turn:
            try:
                return await self._with_second_chance(pack(meta, payload))
            except asyncio.CancelledError:
                self._drop()  # its answer is still to come: the next question must not read it
                raise

    @property
    def busy(self) -> bool:
        """Whether a question is being answered: another would wait."""
        return self._turn.locked()

    async def close(self) -> None:
        """Ends the program."""
        self._drop()
        while self._ended:
            await self._ended[-1].wait()
            self._ended.pop()

    async def _with_second_chance(self, frame: bytes) -> tuple[Meta, bytes]:
        for _ in range(2):
            try:
                async with asyncio.timeout(self._deadline_s):
                    return await self._ask(frame)
            except (TimeoutError, OSError, asyncio.IncompleteReadError, ValueError):
                await self.close()
        raise CompanionFailed(f"{self._program[-1]} died or hung twice")

    async def _ask(self, frame: bytes) -> tuple[Meta, bytes]:
        process = await self._running()
        if process.stdin is None or process.stdout is None:
            raise OSError("no pipes")
        process.stdin.write(frame)
        await process.stdin.drain()
        first, second = _lengths(await process.stdout.readexactly(_HEAD.size))
        body = await process.stdout.readexactly(first + second)
        return _meta(body[:first]), body[first:]

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            await self.close()
            self._process = await asyncio.create_subprocess_exec(
                *self._program,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(),
                start_new_session=True,  # Ctrl-C at a terminal must not silence live calls
            )
        return self._process

    def _drop(self) -> None:
        """Ends the program: by its input, so that one already dead is no error, and by force for
        one that hangs. `close` waits for it."""
        process, self._process = self._process, None
        if process is None:
            return
        self._ended.append(process)
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def module(name: str) -> tuple[str, ...]:
    """The command that runs a module of this distribution as a program."""
    return (sys.executable, "-m", name)


def ask_once(program: Sequence[str], meta: Meta, deadline_s: float) -> tuple[Meta, bytes]:
    """One answer of a program started for it alone; blocks. Raises CompanionFailed."""
    try:
        done = subprocess.run(
            program,
            input=pack(meta, b""),
            stdout=subprocess.PIPE,
            env=_environment(),
            timeout=deadline_s,
            check=True,
        )
        return unpacked(done.stdout)
    except (OSError, subprocess.SubprocessError, NoFrame) as error:
        raise CompanionFailed(f"{program[-1]} failed: {error}") from error


def serve(answer: Answer, requests: BinaryIO, replies: BinaryIO) -> None:
    """The program's side: answers until its input ends, or is none that a process of ours writes.

    A ValueError becomes {"error": ...}.
    """
    while len(head := requests.read(_HEAD.size)) == _HEAD.size:
        try:
            first, second = _lengths(head)
        except NoFrame:
            return
        body = requests.read(first + second)
        try:
            meta, payload = answer(_meta(body[:first]), body[first:])
        except (ValueError, KeyError, TypeError) as error:
            meta, payload = {"error": str(error)}, b""
        replies.write(pack(meta, payload))
        replies.flush()


def pack(meta: Meta, payload: bytes) -> bytes:
    """One frame."""
    head = json.dumps(meta).encode()
    return _HEAD.pack(len(head), len(payload)) + head + payload


def unpacked(data: bytes) -> tuple[Meta, bytes]:
    """The frame that `data` is. Raises NoFrame."""
    first, second = _lengths(data[: _HEAD.size])
    body = data[_HEAD.size :]
    if len(body) != first + second:
        raise NoFrame("another length than it says")
    return _meta(body[:first]), body[first:]


def _lengths(head: bytes) -> tuple[int, int]:
    if len(head) != _HEAD.size:
        raise NoFrame("shorter than a frame")
    first, second = _HEAD.unpack(head)
    if first + second > _LIMIT:
        raise NoFrame("a frame out of bounds")
    return first, second


def _meta(text: bytes) -> Meta:
    try:
        meta = json.loads(text)
    except (ValueError, RecursionError):
        raise NoFrame("its head is not JSON") from None
    if not isinstance(meta, dict):
        raise NoFrame("its head is no object")
    return meta


def _environment() -> dict[str, str]:
    """Ours, with this package importable also where it is not installed."""
    here = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([here, known] if known else [here])}
