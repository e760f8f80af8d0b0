"""Plays one scenario: callers talk, something goes wrong, it is mended, everything arrives."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from typing import Any

from callfunnel.cli.carrier import Outcome
from tests.chaos.pressure import books, callers
from tests.chaos.pressure.callers import Callers, Heard
from tests.chaos.pressure.gauges import Gauges, Waiting
from tests.chaos.pressure.troubles import Trouble
from tests.simulators.running_stack import COMMAND, RunningStack, environment_of
from tests.simulators.waiting import eventually

BEFORE_S = 6.0
AFTER_S = 5.0
DRAINS_WITHIN_S = 180.0


@dataclass(frozen=True)
class Plan:
    """A scenario: what goes wrong, for how long, under how many calls."""

    name: str
    trouble: Trouble
    seconds: float
    callers: int = 1


@dataclass(frozen=True)
class Result:
    """What was seen. Memory: kB of PSS by process; `findings`: what the doctor said meanwhile."""

    plan: Plan
    heard: list[Heard]
    complaints: list[str]
    newcomer: str
    memory: dict[str, tuple[int, int, int]]
    most: Waiting
    drained_s: float
    accepted: int
    lost: int
    refused: int
    problems: list[str]
    findings: list[dict[str, Any]]


def play(stack: RunningStack, plan: Plan) -> Result:
    """One scenario from a quiet stack to a quiet stack."""
    start = books.read(stack)
    gauges = Gauges(stack)
    talking = Callers(stack, plan.callers, BEFORE_S + plan.seconds + AFTER_S)
    talking.start()
    try:
        eventually(lambda: len(talking.calls) == plan.callers, "everyone is on the line")
        gauges.start()
        before = dict(gauges.now)
        gauges.forget_peaks()
        with plan.trouble(stack):
            until = time.monotonic() + plan.seconds
            newcomer = callers.one_more(stack)
            findings = doctor(stack)
            eventually(lambda: time.monotonic() > until, "the trouble lasted", plan.seconds + 60)
        mended = time.monotonic()
        outcomes = talking.finish()
        calls = [*talking.calls, *([newcomer.call] if newcomer.call else [])]
        drained_s = _drained(stack, gauges, calls) - mended
    finally:
        gauges.stop()
    end = books.read(stack)
    after = gauges.now
    return Result(
        plan=plan,
        heard=[callers.heard(each) for each in outcomes],
        complaints=[each for outcome in outcomes for each in outcome.complaints],
        newcomer=_fate(newcomer),
        memory={n: (before.get(n, 0), gauges.peak[n], after.get(n, 0)) for n in gauges.peak},
        most=gauges.most,
        drained_s=drained_s,
        accepted=end.accepted - start.accepted,
        lost=(end.accepted - start.accepted) - (end.arrived - start.arrived),
        refused=end.refused - start.refused,
        problems=end.problems,
        findings=findings,
    )


def _fate(newcomer: Outcome) -> str:
    """What whoever called meanwhile heard."""
    return "was answered" if newcomer.connected else " ".join(newcomer.said)


def _drained(stack: RunningStack, gauges: Gauges, calls: list[str]) -> float:
    """When nothing waited any more and every record was sealed."""

    def quiet() -> bool:
        return gauges.waiting() == Waiting() and books.is_settled(stack, calls)

    eventually(quiet, "everything arrived", DRAINS_WITHIN_S)
    return time.monotonic()


def doctor(stack: RunningStack) -> list[dict[str, Any]]:
    """What the doctor finds wrong now."""
    words = [*COMMAND, "doctor", "--json", "--home", str(stack.home)]
    out = subprocess.run(
        words, check=False, capture_output=True, text=True, env=environment_of({})
    ).stdout
    return [each for each in json.loads(out) if each["verdict"] != "ok"]
