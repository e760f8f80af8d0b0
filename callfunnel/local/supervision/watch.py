"""When each process is started, started again, or given up: decisions only, time is an argument.

The supervisor tells a Watch what happened and asks it what is due. A process that ran is started
again for ever, with growing pauses; one that never became ready is given up after a few tries,
because then something is wrong that a person must see. One that was told to leave does what it has
in hand and ends; it is started again only if that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from callfunnel.local.supervision.process import Exits, Process
from callfunnel.local.supervision.pulse import Pulse

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
STEADY_S = 30.0
TRIES_BEFORE_FIRST_READY = 3
STARTS_WITHIN_S = 120.0
"""One that was ready before and hangs as it starts; an outage of a service may take its time."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not started; may be started from `since` on."""

    since: float


@dataclass(frozen=True, slots=True)
class Starting:
    pid: int
    since: float


@dataclass(frozen=True, slots=True)
class Serving:
    pid: int
    since: float


@dataclass(frozen=True, slots=True)
class Leaving:
    """Told to end. `again`: to be started anew once it has."""

    pid: int
    since: float
    again: bool


@dataclass(frozen=True, slots=True)
class Left:
    """Ended because it was told to; stays so until somebody asks for it."""

    code: int


@dataclass(frozen=True, slots=True)
class Done:
    """A step that has succeeded."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    code: int


State = Waiting | Starting | Serving | Leaving | Left | Done | GivenUp


class Watch:
    """One process over its lives."""

    def __init__(self, process: Process, hung_s: float = 12.0) -> None:
        self.process = process
        self.state: State = Waiting(0.0)
        self.pulse = Pulse(hung_s)
        self.restarts = 0
        self.fresh = True
        """Nobody has looked at its end yet."""
        self._failures = 0
        self._ever_ready = False

    @property
    def pid(self) -> int | None:
        return self.state.pid if isinstance(self.state, Starting | Serving | Leaving) else None

    @property
    def word(self) -> str:
        """What to call its state: waiting, starting, serving, leaving, left, done or givenup."""
        return type(self.state).__name__.lower()

    @property
    def over(self) -> bool:
        """Whether it has ended for good unless somebody asks for it."""
        return isinstance(self.state, Left | GivenUp | Done)

    @property
    def fulfilled(self) -> bool:
        """Whether those who need it may start. Once ready is enough: they cope with restarts."""
        return self._ever_ready

    @property
    def settled(self) -> bool:
        """Whether it is as it should be now."""
        return isinstance(self.state, Serving | Done | Left)

    def due(self, now: float, fulfilled: Iterable[str]) -> bool:
        """Whether it must be started now."""
        if not isinstance(self.state, Waiting) or now < self.state.since:
            return False
        return set(self.process.needs) <= set(fulfilled)

    def spawned(self, pid: int, now: float) -> None:
        self.fresh = True
        self.state = Starting(pid, now)

    def became_ready(self, now: float) -> None:
        if isinstance(self.state, Starting):
            self.state = Serving(self.state.pid, now)
            self.pulse.begin(now)
            self._ever_ready = True

    def to_ask(self, now: float) -> int:
        """The pid to ask for a sign of life now, or 0."""
        served = isinstance(self.state, Serving | Leaving)
        return (self.pid or 0) if served and self.pulse.due(now) else 0

    def leave(self, now: float, *, again: bool) -> int:
        """It shall end, and start anew if `again`; the pid to tell, 0 when nothing runs."""
        pid = self.pid or 0
        if pid:
            self.state = Leaving(pid, now, again)
        elif not isinstance(self.state, Done):
            self.state = Waiting(now) if again else Left(0)
        self._failures = 0
        return pid

    def overdue(self, now: float) -> int:
        """The pid of one that takes too long to start again or to leave, or 0."""
        match self.state:
            case Leaving(pid, since):
                late = now - since >= self.process.leaves_within_s
            case Starting(pid, since):
                late = self._ever_ready and now - since >= STARTS_WITHIN_S
            case _:
                return 0
        return pid if late else 0

    def exited(self, code: int, now: float) -> str:
        """Its end with `code` (minus the signal); returns what to tell the user, maybe ""."""
        match self.state:
            case Serving(_, since):
                self._failures = 1 if now - since >= STEADY_S else self._failures + 1
            case Starting():
                if isinstance(self.process.ready, Exits) and code == 0:
                    self.state, self._ever_ready = Done(), True
                    return ""
                self._failures += 1
            case Leaving(_, _, again):
                self.state = Waiting(now) if again else Left(code)
                self.restarts += again
                return (
                    ""
                    if code in (0, -self.process.stop)
                    else f"{self.process.name} {_ending(code)} as it left"
                )
            case Waiting() | Done() | GivenUp() | Left():
                return ""
            case _:
                assert_never(self.state)
        return self._after_failure(code, now)

    def _after_failure(self, code: int, now: float) -> str:
        step = isinstance(self.process.ready, Exits)
        if not self._ever_ready and (step or self._failures >= TRIES_BEFORE_FIRST_READY):
            self.state = GivenUp(code)
            return ""
        self.restarts += 1
        pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (self._failures - 1))
        self.state = Waiting(now + pause)
        return f"{self.process.name} {_ending(code)}; starting it again in {pause:.1f} s"


def _ending(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"exited with {code}"
