"""What fills the silence while tools work: each line once per batch, after a while of silence."""

from typing import Final

from callfunnel.domain.rulebook import Fillers as Rules
from workers.media.core.policy import seconds

HOLD_S: Final = 4.0
"""Silence between one filler and the next."""


class Fillers:
    """Counts the silence while a tool works, and the lines already used for it."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._silent_since: float | None = None
        self._used = 0

    def quiet(self, now: float) -> None:
        """A tool works and nobody speaks."""
        if self._silent_since is None:
            self._silent_since = now

    def busy(self) -> None:
        """Somebody speaks."""
        self._silent_since = None

    def rest(self) -> None:
        """No tool works any more."""
        self._silent_since = None
        self._used = 0

    def due(self, now: float) -> str:
        """The line to say now, or ""."""
        at = self.deadline()
        if at is None or now < at:
            return ""
        self._used += 1
        self._silent_since = None
        return self._rules.lines[self._used - 1]

    def deadline(self) -> float | None:
        """When the next line is due."""
        if self._silent_since is None or self._used >= len(self._rules.lines):
            return None
        return self._silent_since + (HOLD_S if self._used else seconds(self._rules.after_ms))
