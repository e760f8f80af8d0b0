"""Plays one scenario: callers talk, something goes wrong, it is mended, everything arrives."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from callfunnel.cli.carrier import Outcome
from tests.chaos.pressure import books, callers
from tests.chaos.pressure.callers import Callers, Heard
from tests.chaos.pressure.gauges import Gauges, Waiting, said, takes_calls
from tests.chaos.pressure.troubles import Trouble
from tests.simulators.running_stack import COMMAND, RunningStack, environment_of
from tests.simulators.waiting import eventually

BEFORE_S = 4.0
AFTER_S = 3.0
DRAINS_WITHIN_S = 300.0


@dataclass(frozen=True)
class Plan:
    """A scenario: what goes wrong, one after the other, for how long each, under how many calls.

    `load_per_s`: events of made-up calls that a second worker tells meanwhile. The doctor is asked
    in each trouble from `doctor_from` on: without a database it takes a quarter of a minute.
    """

    name: str
    troubles: tuple[Trouble, ...]
    seconds: float
    callers: int = 1
    load_per_s: int = 0
    doctor_from: int = 0

    @property
    def lasts_s(self) -> float:
        return self.seconds * len(self.troubles)


@dataclass
class Meanwhile:
    """What was seen during the trouble: the fate of new calls, and what the doctor said."""

    newcomers: list[Outcome] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def fates(self) -> list[str]:
        """What each new caller heard."""
        return ["an answer" if each.connected else " ".join(each.said) for each in self.newcomers]


@dataclass(frozen=True)
class Result:
    """What was seen. Memory: kB of PSS by process, before, at its peak and after."""

    plan: Plan
    heard: list[Heard]
    complaints: list[str]
    meanwhile: Meanwhile
    memory: dict[str, tuple[int, int, int]]
    most: Waiting
    drained_s: float
    accepted: int
    lost: int
    refused: int
    problems: list[str]
    said: dict[str, int]


def play(stack: RunningStack, plan: Plan) -> Result:
    """One scenario from a quiet stack to a quiet stack."""
    start, lines = books.read(stack), said(stack)
    gauges = Gauges(stack)
    talking = Callers(stack, plan.callers)
    talking.start()
    try:
        eventually(lambda: len(talking.calls) == plan.callers, "everyone is on the line")
        talks = time.monotonic() + BEFORE_S
        eventually(lambda: time.monotonic() > talks, "everyone talks")
        gauges.start()
        before = dict(gauges.now)
        gauges.forget_peaks()
        more = _load(stack, plan)
        meanwhile = _suffer(stack, plan)
        mended = time.monotonic()
        eventually(lambda: time.monotonic() > mended + AFTER_S, "they talk on")
        eventually(lambda: talking.spoken_to_since(mended), "they are answered again")
        talking.hang_up()
        outcomes = talking.finish()
        load = _loaded(more)
        placed = [each.call for each in meanwhile.newcomers if each.call]
        _drain(stack, gauges, [*talking.calls, *placed])
        drained_s = time.monotonic() - mended
    finally:
        gauges.stop()
    end = books.read(stack)
    accepted = end.accepted - start.accepted + load["accepted"]
    return Result(
        plan=plan,
        heard=[callers.heard(each) for each in outcomes],
        complaints=[each for outcome in outcomes for each in outcome.complaints],
        meanwhile=meanwhile,
        memory={n: (before.get(n, 0), high, gauges.now.get(n, 0)) for n, high in gauges.highest()},
        most=gauges.most,
        drained_s=drained_s,
        accepted=accepted,
        lost=accepted - (end.arrived - start.arrived),
        refused=end.refused - start.refused + load["refused"],
        problems=end.problems,
        said=dict(said(stack) - lines),
    )


def _suffer(stack: RunningStack, plan: Plan) -> Meanwhile:
    """Each trouble for its time, and none before the worker is over the last; in each somebody
    calls anew, and the doctor is asked."""
    seen = Meanwhile()
    for number, trouble in enumerate(plan.troubles):
        with trouble(stack):
            until = time.monotonic() + plan.seconds
            newcomer = callers.one_more(stack)
            seen.findings += doctor(stack) if number >= plan.doctor_from else []
            seen.newcomers += newcomer.finish()
            left = max(0.0, until - time.monotonic())
            eventually(lambda until=until: time.monotonic() > until, "it lasted", left + 5)
        eventually(lambda: takes_calls(stack), "the worker takes calls again")
    return seen


def _load(stack: RunningStack, plan: Plan) -> subprocess.Popen[str] | None:
    if not plan.load_per_s:
        return None
    words = [str(stack.home), str(plan.lasts_s), str(plan.load_per_s)]
    program = [sys.executable, "-m", "tests.chaos.pressure.load", *words]
    out = subprocess.PIPE
    return subprocess.Popen(program, stdout=out, text=True, env=environment_of({}))


def _loaded(load: subprocess.Popen[str] | None) -> dict[str, int]:
    if load is None:
        return {"accepted": 0, "refused": 0, "left": 0}
    counts: dict[str, int] = json.loads(load.communicate(timeout=DRAINS_WITHIN_S)[0])
    assert counts["left"] == 0, "the bus took everything"
    return counts


def _drain(stack: RunningStack, gauges: Gauges, calls: list[str]) -> None:
    """Returns once nothing waits any more and every record is sealed."""

    def quiet() -> bool:
        return gauges.waiting() == Waiting() and books.is_settled(stack, calls)

    eventually(quiet, "everything arrived", DRAINS_WITHIN_S)


def doctor(stack: RunningStack) -> list[dict[str, Any]]:
    """What the doctor finds wrong now."""
    words = [*COMMAND, "doctor", "--json", "--home", str(stack.home)]
    told = subprocess.run(
        words, check=False, capture_output=True, text=True, env=environment_of({})
    )
    assert told.stdout, told.stderr
    return [each for each in json.loads(told.stdout) if each["verdict"] != "ok"]
