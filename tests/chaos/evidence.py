"""What must be true after a strike, call by call and of the whole stack.

Accepted is what stands on RAW, USAGE and AUDIO or what the call's end counts; all of it must be in
the records, once. Reads the records behind the API's back, so that a view cannot hide a doubling.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from callfunnel.cli.audit_rules import Evidence, problems
from callfunnel.cli.stack import DEMO, Running
from callfunnel.domain.call import EndedBy, Pin, PinState, WorkerRecord
from callfunnel.events.message import family_filter
from callfunnel.events.streams import PINS, SLOTS, WORKERS
from callfunnel.infra.bus import Bus
from callfunnel.infra.mirror import Mirror
from callfunnel.infra.objects import Objects
from callfunnel.infra.sealed import SealedSecrets
from tests.chaos.stage import Stage
from tests.simulators.waiting import eventually
from workers.billing.metering.rules import RECORDING_METER

SETTLES_WITHIN_S = 75.0


@dataclass
class Found:
    """What is wrong with a call, and when its record was sealed (monotonic)."""

    problems: list[str] = field(default_factory=list)
    sealed: float = 0.0
    cause: str = ""


def judge(stage: Stage, calls: Iterable[str]) -> dict[str, Found]:
    """Waits for the records to be sealed, then looks at everything."""
    found = {call: Found() for call in calls}
    with contextlib.suppress(AssertionError):
        eventually(lambda: _all_sealed(stage, found), "records sealed", SETTLES_WITHIN_S)
    on_bus = asyncio.run(_on_the_bus(stage.running, list(found)))
    for call, each in found.items():
        _look(stage, call, each, on_bus[call])
    return found


def capacity(stage: Stage) -> list[str]:
    """What is still held though no call lives."""
    try:
        eventually(lambda: not asyncio.run(_held(stage.running)), "all capacity is free", 30)
    except AssertionError:
        return asyncio.run(_held(stage.running))
    return []


def of_the_whole(stage: Stage) -> list[str]:
    """What `audit` and `dead list` say, and whether the sums of usage are those of its rows."""
    with stage.database() as database:
        sums = database.execute("select coalesce(sum(records), 0) from metering.totals").fetchone()
        rows = database.execute("select count(*) from metering.usage").fetchone()
    wrong = [] if sums == rows else [f"{sums} usage records in the totals, {rows} rows"]
    wrong += [f"a dead letter: {each}" for each in stage.up.json("dead", "list")]
    command = stage.up.begin("audit", "--json")
    said, _ = command.communicate(timeout=120)
    return wrong + [f"audit: {each}" for each in json.loads(said)["problems"]]


def _all_sealed(stage: Stage, found: dict[str, Found]) -> bool:
    for call, each in found.items():
        if not each.sealed and (at := _sealed_at(stage, call)):
            each.sealed = time.monotonic() - (time.time() - at)
    return all(each.sealed for each in found.values())


def _sealed_at(stage: Stage, call: str) -> float:
    """When the record was sealed, seconds since 1970; 0 while it is not."""
    shown = stage.up.get(f"/v1/calls/{call}")
    if not shown or not shown["settled"]:
        return 0.0
    record = stage.up.get(f"/v1/calls/{call}/record")
    return datetime.fromisoformat(record["sealed_at"]).timestamp() if record else 0.0


def _look(stage: Stage, call: str, each: Found, on_bus: set[str]) -> None:
    shown = eventually(lambda: stage.up.get(f"/v1/calls/{call}"), f"{call} in the records")
    facts = eventually(lambda: stage.up.get(f"/v1/calls/{call}/timeline"), "facts")["items"]
    bill = eventually(lambda: stage.up.get(f"/v1/calls/{call}/bill"), "a bill")
    each.cause = shown["cause"]
    told = problems(Evidence(shown, facts, bill), datetime.now(UTC))
    each.problems += [line.removeprefix(f"{call}: ") for line in told]
    with stage.database() as database:
        each.problems += _in_the_tables(database, call, on_bus)
    each.problems += asyncio.run(_recording(stage.running, call, _row_of(stage, call)))


def _in_the_tables(database: Any, call: str, on_bus: set[str]) -> list[str]:
    def rows(query: str) -> list[tuple[Any, ...]]:
        return list(database.execute(query, (call,)).fetchall())

    wrong = []
    events = rows("select id, type, data from timeline.events where call = %s")
    usage = rows("select id, meter, record from metering.usage where call = %s")
    kept = {row[0] for row in events} | {row[0] for row in usage}
    if lost := sorted(on_bus - kept):
        wrong.append(f"accepted and lost: {', '.join(lost)}")
    ends = [row[2] for row in events if row[1] == "callfunnel.call.ended.v1"]
    if len(ends) != 1:
        wrong.append(f"{len(ends)} ends")
    sent = ends[0]["usage_records"] if ends else -1
    recorded = sum(row[1] != RECORDING_METER for row in usage)
    given_up = bool(ends) and ends[0]["by"] == EndedBy.REAPER
    if recorded < sent or (recorded > sent and not given_up):  # who is given up may speak late
        wrong.append(f"{recorded} usage rows of {sent} sent")
    doubled = [key for key, n in Counter((row[1], row[2]) for row in usage).items() if n > 1]
    if doubled:
        wrong.append(f"usage twice: {doubled}")
    offers = rows("select tool_call from tools.effects where call = %s and tool = 'offer_discount'")
    states = rows("select state from approvals.approvals where call = %s")
    granted = sum(state == "approved" for (state,) in states)
    if len(states) > 1 or len(offers) != granted:
        wrong.append(f"{len(states)} approvals, {granted} granted, {len(offers)} effects")
    return wrong


def _row_of(stage: Stage, call: str) -> tuple[str, int] | None:
    with stage.database() as database:
        rows = database.execute(
            "select object_key, size from recordings.recordings where call = %s", (call,)
        ).fetchall()
    return rows[0] if rows else None


async def _recording(running: Running, call: str, row: tuple[str, int] | None) -> list[str]:
    if row is None:
        return [] if call == "" else ["no row of a recording"]
    if not row[0]:
        return []
    objects = await Objects.connect(running.platform, "persistence", _secrets(running))
    stat = await objects.stat(DEMO, row[0])
    if stat is None or stat.size != row[1]:
        return [f"the recording's object is {stat}, its row says {row[1]} bytes"]
    return []


async def _on_the_bus(running: Running, calls: list[str]) -> dict[str, set[str]]:
    """The ids that the streams hold of each call."""
    bus = await Bus.connect(running.platform, "supervisor", _secrets(running))
    try:
        found = {}
        for call in calls:
            raw = family_filter("raw", tenant=DEMO, key=call)
            used = family_filter("usage", tenant=DEMO, key=call)
            headers = await bus.stored_headers("RAW", raw)
            headers += await bus.stored_headers("USAGE", used)
            found[call] = {header["ce-id"] for header in headers}
        return found
    finally:
        await bus.stop()


async def _held(running: Running) -> list[str]:
    bus = await Bus.connect(running.platform, "supervisor", _secrets(running))
    mirrors = {each.name: Mirror(bus.client, each.name) for each in (SLOTS, PINS, WORKERS)}
    try:
        for mirror in mirrors.values():
            await mirror.start()
        held = [f"slot {key}" for key in mirrors[SLOTS.name].entries]
        for key, entry in mirrors[PINS.name].entries.items():
            state = msgspec.json.decode(entry.value, type=Pin).state
            if state is not PinState.ENDED:
                held.append(f"pin {key} {state}")
        for key, entry in mirrors[WORKERS.name].entries.items():
            if used := msgspec.json.decode(entry.value, type=WorkerRecord).used:
                held.append(f"{used} places of {key}")
        return held
    finally:
        for mirror in mirrors.values():
            await mirror.stop()
        await bus.stop()


def _secrets(running: Running) -> SealedSecrets:
    return SealedSecrets.open(running.home.secrets)
