"""The table of the kill matrix: who is harmed, when in a call, how, and what the caller may notice.

Plain data and one function a question. A cell that does not apply says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

HARM_LASTS_S = 20.0
CLOCK_LASTS_S = 3.0


class Phase(StrEnum):
    """Where in its life a call is when the harm comes."""

    BEFORE_ANSWER = "before-answer"
    TURN = "turn"
    TOOL = "tool"
    APPROVAL = "approval"
    END = "end"
    SETTLEMENT = "settlement"
    DRAINING = "draining"


class Harm(StrEnum):
    """What is done to the victim."""

    KILL = "kill"
    STOP = "stop"
    REFUSED = "refused"
    FULL = "full"
    CLOCK = "clock"


HOW = {
    Harm.KILL: "kill -9; the supervisor starts it again",
    Harm.STOP: "SIGSTOP, 20 s later SIGCONT",
    Harm.REFUSED: "kill -9 and nobody starts it again for 20 s: its port refuses",
    Harm.FULL: "the tmpfs under its folder has no room for 20 s",
    Harm.CLOCK: "its wall clock is a second off for 3 s, forward or back by the seed",
}


class Fate(StrEnum):
    """What may become of the caller. Whatever it is: one end, nothing lost, nothing doubled."""

    UNHEARD = "unheard"
    """No hole in the audio, the agent answers, the caller hangs up when they like."""
    TURNED_AWAY = "may be turned away"
    """A new caller may hear a sentence and the line goes down, or nobody answers."""
    CUT = "may be cut off"
    """The caller's audio runs through the victim."""
    OVER = "is over"
    """The caller is off the line already."""


OFFPATH = (
    "redaction",
    "timeline",
    "recordings",
    "settlement",
    "metering",
    "tools",
    "approvals",
    "rulebooks",
    "reaper",
)
SERVICES = ("nats", "postgres", "objects")
VICTIMS = ("media", "gateway", *OFFPATH, *SERVICES, "issuer", "supervisor")
LISTENS = ("media", "gateway", *SERVICES, "issuer")
"""Somebody connects to its port."""
WRITES = ("media", "gateway", *SERVICES, "supervisor")
"""Keeps files: its spool, its data, or the state file and the logs."""
CARRIES_AUDIO = ("media", "gateway")
FEW = (
    ("media", Harm.STOP),
    ("nats", Harm.REFUSED),
    ("settlement", Harm.KILL),
    ("supervisor", Harm.KILL),
)
"""Strikes that teach most in three minutes, beside those that `tests/chaos/test_matrix.py` runs."""


@dataclass(frozen=True, order=True)
class Cell:
    """One square of the table."""

    victim: str
    phase: Phase
    harm: Harm

    def __str__(self) -> str:
        return f"{self.victim}/{self.phase}/{self.harm}"

    @classmethod
    def named(cls, text: str) -> Cell:
        """From `victim/phase/harm`. Raises ValueError."""
        victim, phase, harm = text.split("/")
        if victim not in VICTIMS:
            raise ValueError(f"no victim {victim}: there are {', '.join(VICTIMS)}")
        return cls(victim, Phase(phase), Harm(harm))


def all_cells() -> Iterator[Cell]:
    """Every square, also those that do not apply."""
    for victim in VICTIMS:
        for harm in Harm:
            for phase in Phase:
                yield Cell(victim, phase, harm)


def why_not(victim: str, harm: Harm) -> str:
    """Why a harm does not apply to a victim; empty when it does."""
    if victim == "approvals":
        return "lives in the process of tools: see there"
    match harm:
        case Harm.REFUSED if victim not in LISTENS:
            return "nobody connects to it: it only calls out"
        case Harm.FULL if victim not in WRITES:
            return "keeps no file"
        case Harm.CLOCK if victim in SERVICES:
            return "another vendor's program, with no clock to set but the machine's"
        case Harm.CLOCK if victim in ("supervisor", "issuer"):
            return "no part of a call reads its wall clock"
    return ""


def expected(cell: Cell) -> Fate:
    """The worst that may become of the caller."""
    if cell.phase is Phase.SETTLEMENT:
        return Fate.OVER
    audible = cell.victim in CARRIES_AUDIO and cell.harm in (Harm.KILL, Harm.STOP, Harm.REFUSED)
    if audible or (cell.victim, cell.harm) == ("supervisor", Harm.KILL):
        return Fate.CUT
    on_the_way = (*CARRIES_AUDIO, *SERVICES)
    if cell.phase is Phase.BEFORE_ANSWER and cell.victim in on_the_way:
        return Fate.UNHEARD if cell.harm is Harm.CLOCK else Fate.TURNED_AWAY
    return Fate.UNHEARD
