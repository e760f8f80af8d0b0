"""What may not last: a silent line, a stuck model, a session that does not open, the call itself.

Each alarm is raised once; what follows from it is decided elsewhere.
"""

import enum
import math

from callfunnel.domain.rulebook import Limits
from callfunnel.domain.rulebook import Silence as SilenceRules
from workers.media.core.policy import seconds


class Alarm(enum.IntEnum):
    """What has lasted too long; the gravest first."""

    DURATION = 0
    CONNECT = 1
    STALL = 2
    SILENCE = 3


class Watchdogs:
    """One clock for each thing that may not last."""

    def __init__(self, limits: Limits, silence: SilenceRules) -> None:
        self._limits = limits
        self._silence = silence
        self._ends: dict[Alarm, float] = {}
        self.prompts_given = 0

    def start(self, now: float) -> None:
        """The call began."""
        self._ends[Alarm.DURATION] = now + seconds(self._limits.max_duration_ms)

    def connecting(self, now: float) -> None:
        """The model's session is being opened."""
        self._ends[Alarm.CONNECT] = now + seconds(self._limits.model_connect_ms)

    def connected(self) -> None:
        """The model's session is open, or is known to be lost."""
        self._ends.pop(Alarm.CONNECT, None)

    def waiting(self, on: bool, now: float) -> None:
        """Is the model to do something?"""
        if not on:
            self._ends.pop(Alarm.STALL, None)
        elif Alarm.STALL not in self._ends:
            self._ends[Alarm.STALL] = now + seconds(self._limits.model_stall_ms)

    def progress(self, now: float) -> None:
        """The model did something."""
        if Alarm.STALL in self._ends:
            self._ends[Alarm.STALL] = now + seconds(self._limits.model_stall_ms)

    def quiet(self, on: bool, now: float) -> None:
        """Does nobody speak, and nobody owe anything?"""
        if not on:
            self._ends.pop(Alarm.SILENCE, None)
        elif Alarm.SILENCE not in self._ends:
            self._ends[Alarm.SILENCE] = now + seconds(self._silence.after_ms)

    def caller_active(self) -> None:
        """The caller did something: prompts are counted anew."""
        self._ends.pop(Alarm.SILENCE, None)
        self.prompts_given = 0

    def prompt(self) -> str:
        """The next prompt into the silence, or "" when each was given."""
        self.prompts_given += 1
        prompts = self._silence.prompts
        return prompts[self.prompts_given - 1] if self.prompts_given <= len(prompts) else ""

    def due(self, now: float) -> list[Alarm]:
        """The alarms that are due, each once, the gravest first."""
        if now < min(self._ends.values(), default=math.inf):
            return []
        due = sorted(alarm for alarm, ends in self._ends.items() if now >= ends)
        for alarm in due:
            del self._ends[alarm]
        return due

    def deadline(self) -> float | None:
        """When the next alarm is due."""
        return min(self._ends.values(), default=None)
