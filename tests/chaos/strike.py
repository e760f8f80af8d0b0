"""One strike: calls are brought to every phase at once, the victim is harmed, the world recovers.

The seven calls of a strike are seven cells. What is left behind is judged by `evidence`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.chaos import harms
from tests.chaos.cells import Harm, Phase
from tests.chaos.stage import Blocked, Stage
from tests.simulators.callers import Leg
from tests.simulators.waiting import eventually

HELP = "what can you do"
BILL = "why did my bill go up"
CANCEL = "i want to cancel"
READY_WITHIN_S = 60.0
RECOVERS_WITHIN_S = 90.0
TALKS_ON_S = 6.0


@dataclass
class Struck:
    """A call at the moment of the harm, and after."""

    phase: Phase
    leg: Leg
    harmed_at: int = 0
    """On the caller's clock."""


@dataclass
class Aftermath:
    """What a strike left: the calls by phase, and the monotonic times of its acts."""

    calls: list[Struck] = field(default_factory=list)
    harmed: float = 0.0
    lifted: float = 0.0
    whole: float = 0.0
    not_reached: list[str] = field(default_factory=list)


class Strike:
    """`phases`: which calls take part."""

    def __init__(self, stage: Stage, victim: str, harm: Harm, phases: set[Phase]) -> None:
        self._stage = stage
        self._victim = victim
        self._harm = harm
        self._phases = phases
        self._blocks: list[Blocked] = []
        self._after = Aftermath()
        self._dialled: list[Leg] = []
        self._approved = False
        self._before: set[int] = set()

    def run(self, seed: int) -> Aftermath:
        """Everything, from dialling to the last hang-up and a whole stack."""
        chance = Random(f"{self._victim}/{self._harm}/{seed}")
        with contextlib.ExitStack() as at_last:
            at_last.callback(self._hang_up)
            legs = self._bring_up()
            self._last_moment(legs, chance)
            self._before = set(self._stage.pids(self._victim))
            self._note_harm(legs)
            lifted = harms.begin(self._stage, self._victim, self._harm, chance)
            with contextlib.ExitStack() as lift:
                lift.callback(lifted)
                if self._victim != "postgres":  # a frozen one would not answer
                    self._unblock()
                self._new_callers(legs)
                self._talk_on(lambda: False, harms.lasts_s(self._harm))
            self._unblock()
            self._after.lifted = time.monotonic()
            self._wind_down(legs)
        return self._after

    def _hang_up(self) -> None:
        """Nobody is left on the line, whatever went wrong."""
        self._unblock()
        for leg in self._dialled:
            leg.talker.hang_up = True
            self._stage.party.pick_up(leg)

    def _unblock(self) -> None:
        while self._blocks:
            self._blocks.pop().lift()

    def _dial(self, *words: str, held: bool = False) -> Leg:
        leg = self._stage.party.dial(*words, held=held)
        self._dialled.append(leg)
        return leg

    def _bring_up(self) -> dict[Phase, Leg]:
        legs: dict[Phase, Leg] = {}
        if Phase.DRAINING in self._phases:
            legs[Phase.DRAINING] = self._draining()
        for phase, words in (
            (Phase.APPROVAL, (CANCEL, HELP)),
            (Phase.SETTLEMENT, (HELP,)),
            (Phase.TURN, (HELP,)),
            (Phase.END, (HELP,)),
            (Phase.BEFORE_ANSWER, (HELP,)),
        ):
            if phase in self._phases:
                legs[phase] = self._dial(*words, held=phase is Phase.BEFORE_ANSWER)
        if Phase.APPROVAL in legs:
            self._until(lambda: self._opened(legs[Phase.APPROVAL]), "an approval is open")
        if Phase.TOOL in self._phases:
            self._blocks.append(Blocked(self._stage, "tools.effects"))
            legs[Phase.TOOL] = self._dial(BILL, HELP)
            self._until(self._blocks[-1].waiting, "a tool is in hand")
        if Phase.SETTLEMENT in legs:
            self._settling(legs[Phase.SETTLEMENT])
        for leg in legs.values():
            if leg is not legs.get(Phase.BEFORE_ANSWER):
                self._until(lambda leg=leg: leg.heard, "the agent speaks")
        return legs

    def _draining(self) -> Leg:
        """A call whose worker was told to stop."""
        leg = self._dial(HELP)
        self._until(lambda: leg.heard, "the agent greets the call to be drained")
        path = f"/v1/calls/{leg.call}/timeline"
        facts = eventually(lambda: self._stage.up.get(path), "its first facts")["items"]
        worker = next(each["data"]["worker"] for each in facts if each["name"] == "pinned")
        before = self._stage.up.pid(worker)
        os.kill(before, signal.SIGTERM)
        log = self._stage.up.home / "logs" / f"{worker}.log"
        self._until(lambda: '"draining"' in log.read_text().rsplit("ready", 1)[-1], "it drains")
        return leg

    def _settling(self, leg: Leg) -> None:
        self._until(lambda: leg.talker.said > 0, "the caller has spoken")
        self._blocks.append(Blocked(self._stage, "settlement.records"))
        leg.talker.hang_up = True
        self._until(self._blocks[-1].waiting, "the record is being settled")

    def _opened(self, leg: Leg) -> str:
        shown = self._stage.up.get("/v1/approvals?state=open") or {"items": []}
        found = [each["approval"] for each in shown["items"] if each["call"] == leg.call]
        return found[0] if found else ""

    def _last_moment(self, legs: dict[Phase, Leg], chance: Random) -> None:
        """What happens just before the harm, by as much as the seed says."""
        if Phase.END in legs:
            legs[Phase.END].talker.hang_up = True
            _pause(chance.uniform(0.0, 0.15))

    def _note_harm(self, legs: dict[Phase, Leg]) -> None:
        self._after.harmed = time.monotonic()
        for phase, leg in legs.items():
            self._after.calls.append(Struck(phase, leg, leg.talk.now()))

    def _new_callers(self, legs: dict[Phase, Leg]) -> None:
        """One is pinned and connects now, one dials now."""
        if Phase.BEFORE_ANSWER in legs:
            self._stage.party.pick_up(legs[Phase.BEFORE_ANSWER])
            ringing = self._dial(HELP)
            self._after.calls.append(Struck(Phase.BEFORE_ANSWER, ringing))

    def _talk_on(self, enough: Callable[[], bool], least_s: float, most_s: float = 0.0) -> None:
        """Callers talk on; somebody decides the approval as soon as that can be done."""
        began = time.monotonic()
        while (past := time.monotonic() - began) < least_s or (not enough() and past < most_s):
            self._decide()
            _pause(0.1)

    def _decide(self) -> None:
        leg = next((each.leg for each in self._after.calls if each.phase is Phase.APPROVAL), None)
        if leg is None or self._approved or leg.over:
            return
        if approval := self._opened(leg):
            self._approved = self._stage.up.post(
                f"/v1/approvals/{approval}/decision", {"decision": "approved"}
            )

    def _recovered(self) -> bool:
        """Whether every process is ready again, the victim as another process if it died."""
        if not self._after.whole and self._stage.whole():
            now = set(self._stage.pids(self._victim))
            if self._harm not in harms.DEADLY or (now and not now & self._before):
                self._after.whole = time.monotonic()
        return bool(self._after.whole)

    def _wind_down(self, legs: dict[Phase, Leg]) -> None:
        self._talk_on(self._recovered, 0.0, RECOVERS_WITHIN_S)
        assert self._recovered(), f"not within {RECOVERS_WITHIN_S} s: every process is ready again"
        waits = Phase.APPROVAL in legs
        self._talk_on(lambda: self._approved or not waits, TALKS_ON_S, TALKS_ON_S + 10)
        for struck in self._after.calls:
            struck.leg.talker.leave = True
        for struck in self._after.calls:
            self._until(lambda leg=struck.leg: leg.over, f"the line of {struck.phase} is down")

    def _until(
        self, look: Callable[[], object], what: str, within_s: float = READY_WITHIN_S
    ) -> None:
        eventually(look, f"{what} ({self._victim}/{self._harm})", within_s)


def _pause(seconds: float) -> None:
    signal.sigtimedwait([], seconds)
