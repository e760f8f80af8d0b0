"""A service that lives and stores nothing: when to start it again. Decisions only, time is given.

A NATS server that met a full disk keeps the error and refuses every write until it is started
anew, also when there is room again. Two looks in a row must agree, for one may have been a moment.
"""

from __future__ import annotations

from enum import Enum

LEAST_LOOKS = 2
AGAIN_S = 60.0
"""After a start that did not help."""


class Advice(Enum):
    """What to do about it now."""

    NOTHING = "nothing"
    SAY_FULL = "say that it waits for room"
    START_ANEW = "start anew"


class Cure:
    """Of one service, over its lives."""

    def __init__(self) -> None:
        self._refused = 0
        self._said = False
        self._not_before = float("-inf")

    def look(self, now: float, *, stores: bool, room: bool) -> Advice:
        """It was looked at: whether it stores what it is told, and whether its disk has room."""
        if stores:
            self._refused, self._said = 0, False
            return Advice.NOTHING
        self._refused += 1
        if self._refused < LEAST_LOOKS:
            return Advice.NOTHING
        if not room:
            said, self._said = self._said, True
            return Advice.NOTHING if said else Advice.SAY_FULL
        if now < self._not_before:
            return Advice.NOTHING
        self._refused, self._not_before = 0, now + AGAIN_S
        return Advice.START_ANEW
