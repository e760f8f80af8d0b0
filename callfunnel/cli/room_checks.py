"""What has no room left: processes that say they are not ready, and streams that are full."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from callfunnel.cli.findings import Finding, bad, ok, warn
from callfunnel.cli.stack import Running
from callfunnel.infra.fill import Fill

NEARLY_FULL = 75
FULL = 90
"""Percent of a stream's room. Full ones refuse: a message needs up to 1 MB of it."""
_ADVICE = {
    "spool": "free space under {spool}, or mend what keeps the bus from taking what waits there;"
    " until then new calls get the busy treatment",
    "lease": "see `bus`: without its lease a worker takes no new call",
    "open": "it ends its calls and leaves; nothing is to be done",
}


def processes(stack: Running, within_s: float) -> Iterator[Finding]:
    """One finding for each process that says why it is of no use now; one if none does."""
    with httpx.Client(timeout=within_s, trust_env=False) as http:
        yield from readiness(stack, http)


def readiness(stack: Running, http: httpx.Client) -> Iterator[Finding]:
    """As `processes`, asked by that client. One that leaves is no mistake."""
    leaving = {each["name"] for each in stack.state.get("processes", []) if _leaves(each)}
    silent = True
    for name, pid in stack.processes:
        for check, said in () if name in leaving else _not_so(stack, name, pid, http):
            silent = False
            spool = stack.home.root / "spool" / name
            fix = _ADVICE.get(check, f"read {stack.home.log(name)}").format(spool=spool)
            why = f": {said}" if isinstance(said, str) else ""
            yield bad(name, f"is not ready ({check}{why})", fix)
    if silent:
        gone = sorted(leaving) + list(stack.state.get("stopped", []))
        but = f"; not asked, for it was told to leave: {', '.join(gone)}" if gone else ""
        yield ok("readiness", f"every process says that it is ready{but}")


def _leaves(entry: Mapping[str, Any]) -> bool:
    return entry.get("state") == "leaving"


def _not_so(stack: Running, name: str, pid: int, http: httpx.Client) -> Iterator[tuple[str, Any]]:
    """The checks of a process that do not hold. Services, and those that are away, say nothing."""
    left = stack.home.run / f"{name}.json"
    if name == "gateway" or not left.exists():
        return
    told = json.loads(left.read_text())
    if told.get("pid") != pid:
        yield "answer", "it is being started"
        return
    try:
        address = f"http://127.0.0.1:{told['http_port']}/readyz"
        checks: Mapping[str, Any] = http.get(address).json()["checks"]
    except (httpx.HTTPError, ValueError, KeyError):
        yield "answer", "nothing comes back from /readyz"
        return
    yield from ((check, said) for check, said in checks.items() if said is not True)


def told_of_streams(fills: list[Fill]) -> Iterator[Finding]:
    """What is to be said of how full the streams are."""
    tight = [each for each in fills if each.percent >= NEARLY_FULL]
    for each in tight:
        say = bad if each.percent >= FULL else warn
        behind = f"{each.slowest} is {each.behind} behind" if each.behind else "nobody is behind"
        fix = (
            f"see why {each.slowest} is slow (its log, `database`, `objects`); what cannot be"
            " stored waits in the workers' spools and is sent by itself once there is room"
            if each.behind
            else "give the bus more disk; what cannot be stored waits in the workers' spools"
        )
        yield say(f"stream {each.name}", f"{each.percent} % full; {behind}", fix)
    if not tight:
        fullest = max((each.percent for each in fills), default=0)
        yield ok("streams", f"the fullest is {fullest} % full")
