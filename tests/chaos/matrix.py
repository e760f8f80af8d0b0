"""Runs cells and says what came of each: `./cf chaos`.

All cells of one victim and harm are one strike; strikes go one after another over a running stack.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from callfunnel.domain.errors import Temporary
from tests.chaos import evidence, harms
from tests.chaos.cells import Cell, Fate, Harm, Phase, expected, why_not
from tests.chaos.stage import Stage
from tests.chaos.strike import Aftermath, Strike, Struck

LONGEST_HOLE_MS = 300


def say(line: str) -> None:
    """To whoever watches the run."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@dataclass
class Result:
    """One cell: what is wrong (nothing: it holds), what the caller heard, how long it took."""

    cell: str
    wrong: list[str] = field(default_factory=list)
    heard: str = ""
    cause: str = ""
    sealed_s: float = 0.0
    """From the end of the harm, or of the call when that is later, to the sealed record."""
    whole_s: float = 0.0
    """From the end of the harm until every process was ready."""
    left_out: str = ""

    @property
    def holds(self) -> bool:
        return not self.wrong and not self.left_out


def strikes(cells: Iterable[Cell]) -> dict[tuple[str, Harm], set[Phase]]:
    """The cells as strikes, in the order of the table."""
    found: dict[tuple[str, Harm], set[Phase]] = defaultdict(set)
    for cell in cells:
        found[cell.victim, cell.harm].add(cell.phase)
    return found


def run(stage: Stage, victim: str, harm: Harm, phases: set[Phase], seed: int) -> list[Result]:
    """One strike and its verdicts, a result a cell."""
    cells = [Cell(victim, phase, harm) for phase in Phase if phase in phases]
    if reason := why_not(victim, harm) or harms.why_impossible(stage, victim, harm):
        return [Result(str(cell), left_out=reason) for cell in cells]
    try:
        after = Strike(stage, victim, harm, phases).run(seed)
        found = evidence.judge(stage, [each.leg.call for each in after.calls if each.leg.call])
        held = evidence.capacity(stage)
    except (AssertionError, Temporary) as problem:
        return [Result(str(cell), [f"the strike went wrong: {problem}"]) for cell in cells]
    return [_result(cell, after, found, held) for cell in cells]


def _result(
    cell: Cell, after: Aftermath, found: dict[str, evidence.Found], held: list[str]
) -> Result:
    result = Result(str(cell), wrong=[f"still held: {each}" for each in held])
    result.whole_s = round(after.whole - after.lifted, 1)
    said = []
    for struck in after.calls:
        if struck.phase is cell.phase:
            said.append(_hear(cell, struck, result))
            if (traces := found.get(struck.leg.call)) is not None:
                result.wrong += traces.problems
                result.cause = traces.cause
                waited = traces.sealed - max(after.lifted, struck.leg.ended)
                result.sealed_s = max(result.sealed_s, round(waited, 1), 0.0)
    result.heard = "; ".join(said)
    return result


def _hear(cell: Cell, struck: Struck, result: Result) -> str:
    """What this caller noticed; what they should not have is wrong."""
    leg, fate = struck.leg, expected(cell)
    outcome = leg.outcome
    if outcome is not None and outcome.said and not leg.heard:
        if fate is not Fate.TURNED_AWAY and fate is not Fate.CUT:
            result.wrong.append("a new caller was turned away")
        return f"was told: {outcome.said[0]}"
    if not leg.heard:
        if fate is not Fate.TURNED_AWAY and fate is not Fate.CUT:
            result.wrong.append(f"nobody answered ({leg.trouble})")
        return "nobody answered"
    hung_up = outcome is not None and outcome.ended_by == "caller"
    if cell.phase in (Phase.END, Phase.SETTLEMENT):
        return "hung up before it"
    if not hung_up and fate is not Fate.CUT:
        detail = outcome and (outcome.ended_by, outcome.complaints)
        result.wrong.append(f"the line went down: {detail} {leg.trouble}")
    return _quality(struck, result, fate, cut=not hung_up)


def _quality(struck: Struck, result: Result, fate: Fate, *, cut: bool) -> str:
    talk = struck.leg.talk
    hole, answers = talk.hole_after(struck.harmed_at), talk.answers_after(struck.harmed_at)
    if fate is not Fate.CUT and hole > LONGEST_HOLE_MS:
        result.wrong.append(f"a hole of {hole} ms in the agent's speech")
    if fate is not Fate.CUT and not talk.spoken_to_after(struck.harmed_at):
        result.wrong.append("the agent no longer answered")
    slowest = f"answers within {max(answers) / 1000:.1f} s" if answers else "no answer"
    line = "the line went down" if cut else "talked to the end"
    return f"{line}; {slowest}, longest hole {hole} ms"


def run_all(
    stage: Stage, cells: Iterable[Cell], seed: int, keep: Callable[[list[Result]], None]
) -> tuple[list[Result], list[str]]:
    """All strikes, each told and kept as it is over; then what the whole must be."""
    results: list[Result] = []
    for (victim, harm), phases in strikes(cells).items():
        began = time.monotonic()
        news = run(stage, victim, harm, phases, seed)
        results += news
        keep(news)
        _tell(victim, harm, news, time.monotonic() - began)
    return results, evidence.of_the_whole(stage)


def _tell(victim: str, harm: Harm, news: list[Result], took_s: float) -> None:
    if all(each.left_out for each in news):
        say(f"{victim}/{harm}: left out: {news[0].left_out}")
        return
    bad = [each for each in news if not each.holds]
    say(f"{victim}/{harm}: {len(news) - len(bad)} of {len(news)} hold, {took_s:.0f} s")
    for each in news:
        mark = "  " if each.holds else "X "
        cause = f" [{each.cause}]" if each.cause else ""
        say(f"  {mark}{each.cell} ({each.whole_s} s, {each.sealed_s} s){cause} {each.heard}")
        for line in each.wrong:
            say(f"      {line}")
