"""Whether a process that serves still lives, from what it answers: decisions only, time is given.

A process may be slow or not ready for as long as it likes: it hangs when it answers nothing at
all. Silence alone does not prove that, for whoever asks may have been stopped itself: several
questions in a row must have gone unanswered, too.
"""

from __future__ import annotations

EVERY_S = 2.0
LEAST_MISSES = 3


class Pulse:
    """Asked every two seconds; `hung_s` of silence are too much."""

    def __init__(self, hung_s: float) -> None:
        self._hung_s = hung_s
        self._heard_at = 0.0
        self._asked_at = 0.0
        self._misses = 0

    def begin(self, now: float) -> None:
        """It serves from now on."""
        self._heard_at = self._asked_at = now
        self._misses = 0

    def due(self, now: float) -> bool:
        """Whether it should be asked now."""
        return now >= self._asked_at + EVERY_S

    def heard(self, now: float) -> None:
        """It answered."""
        self._heard_at = self._asked_at = now
        self._misses = 0

    def missed(self, now: float) -> bool:
        """It did not answer; True when it hangs."""
        self._asked_at = now
        self._misses += 1
        return self._misses >= LEAST_MISSES and now - self._heard_at >= self._hung_s

    def silent_s(self, now: float) -> float:
        """For how long it has been silent."""
        return now - self._heard_at
