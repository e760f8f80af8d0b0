"""A rolling restart: one place after the other, and none before the last one is well. Pure.

What can have a successor beside it is replaced: the new process is ready before the old one is
told to leave, and the old one ends what it has in hand. A service is ended and started again, for
its data have one owner. Then everything must say that it is ready, or the rest is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from callfunnel.local.supervision.fleet import Fleet
from callfunnel.local.supervision.watch import GivenUp, Leaving, Left, Serving, Watch

SUCCESSOR_WITHIN_S = 60.0
WELL_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Replacing:
    """The successor starts."""

    successor: Watch
    since: float


@dataclass(frozen=True, slots=True)
class Settling:
    """All must be ready again."""

    since: float


class Roll:
    """`step` again and again until `over`. `failure` says why it stopped early.

    Without `beside` everything is restarted as a service is.
    """

    def __init__(self, places: Sequence[str], *, beside: bool = True) -> None:
        self._left = list(places)
        self._beside = beside
        self._phase: Replacing | Settling | None = None
        self._began = 0.0
        self.over = not self._left
        self.failure = ""

    def step(self, fleet: Fleet, all_ready: Callable[[], bool], now: float) -> str:
        """Does what is due now; what to tell, maybe ""."""
        if self.over:
            return ""
        place = self._left[0]
        match self._phase:
            case None:
                return self._begin(fleet, place, now)
            case Replacing(successor, since):
                return self._replace(fleet, successor, since, now)
            case Settling(since):
                return self._settle(fleet, all_ready, since, now)

    def _begin(self, fleet: Fleet, place: str, now: float) -> str:
        self._began = now
        watch = fleet.in_office(place)
        if self._beside and watch.process.beside and isinstance(watch.state, Serving):
            successor = fleet.add_successor(place)
            self._phase = Replacing(successor, now)
            return f"{place}: {successor.process.name} starts beside {watch.process.name}"
        word = "starts" if isinstance(watch.state, Left) else "is restarted"
        fleet.renew(place, now)
        self._phase = Settling(now)
        return f"{place} {word}"

    def _replace(self, fleet: Fleet, successor: Watch, since: float, now: float) -> str:
        place, name = self._left[0], successor.process.name
        if isinstance(successor.state, Serving):
            before = fleet.in_office(place).process.name
            fleet.promote(place, successor, now)
            self._phase = Settling(now)
            return f"{place}: {name} takes over, {before} ends what it has"
        if isinstance(successor.state, GivenUp) or now - since > SUCCESSOR_WITHIN_S:
            fleet.dismiss(successor, now)
            return self._fail(f"{name} does not become ready; the one before goes on")
        return ""

    def _settle(self, fleet: Fleet, all_ready: Callable[[], bool], since: float, now: float) -> str:
        place = self._left[0]
        if fleet.settled and all_ready():
            self._phase = None
            self._left.pop(0)
            self.over = not self._left
            return f"{place} is done ({now - self._began:.1f} s)"
        if isinstance(fleet.in_office(place).state, Leaving):
            self._phase = Settling(now)  # its calls have their own time; then it starts again
            return ""
        if now - since > WELL_WITHIN_S:
            return self._fail(f"not everything is ready again after {place} was restarted")
        return ""

    def _fail(self, why: str) -> str:
        rest = ", ".join(self._left[1:])
        self.over, self.failure = True, f"{why}; left alone: {rest}" if rest else why
        return self.failure
