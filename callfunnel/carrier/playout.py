"""The carrier's playout buffer: what the caller hears, when, and which marks that reaches.

Audio may arrive faster than it is heard: it is drained at 8 bytes a millisecond on the caller's
clock. A mark is echoed when everything before it has been heard; a clear drops the audio and
echoes every waiting mark at once.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

BYTES_PER_MS = 8
SILENCE = b"\xff"
"""u-law zero."""


@dataclass(frozen=True)
class Heard:
    """What one step of the clock brought. `audio` covers the whole step, silence included."""

    audio: bytes
    marks: tuple[str, ...]
    speaking: bool


class Playout:
    """One call's buffer. `now` is the caller's clock in whole milliseconds and never goes back."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._queue: deque[bytes | str] = deque()

    @property
    def waiting_ms(self) -> int:
        """Audio not heard yet."""
        return sum(len(each) for each in self._queue if isinstance(each, bytes)) // BYTES_PER_MS

    def play(self, audio: bytes) -> None:
        if audio:
            self._queue.append(audio)

    def mark(self, name: str) -> None:
        self._queue.append(name)

    def clear(self) -> tuple[str, ...]:
        """Drops everything; returns the marks to echo now, in order."""
        marks = tuple(each for each in self._queue if isinstance(each, str))
        self._queue.clear()
        return marks

    def advance(self, now: int) -> Heard:
        """Plays up to `now`."""
        room = max(0, now - self._now) * BYTES_PER_MS
        self._now = max(self._now, now)
        parts: list[bytes] = []
        marks: list[str] = []
        left = room
        while self._queue:
            head = self._queue[0]
            if isinstance(head, str):
                marks.append(head)
                self._queue.popleft()
                continue
            if not left:
                break
            parts.append(head[:left])
            left -= len(parts[-1])
            self._queue.popleft()
            if len(parts[-1]) < len(head):
                self._queue.appendleft(head[len(parts[-1]) :])
        return Heard(b"".join(parts) + SILENCE * left, tuple(marks), speaking=bool(parts))
