"""What must be true of every call, as plain checks over what the records say. Pure.

Each breach is one line that names the call and what is not so. A call that still talks is not
judged; one that claims to talk for longer than any call may is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

LONGEST_CALL = timedelta(hours=4)
SETTLES_WITHIN = timedelta(minutes=2)
RECORDING_TOLERANCE_MS = 500
"""A recording ends with its last whole segment; the call with the last frame."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Evidence:
    """All that is known about one call."""

    call: Row
    facts: Sequence[Row]
    bill: Row


def problems(evidence: Evidence, now: datetime) -> Iterator[str]:
    """What is not so, one line each."""
    named = f"{evidence.call['call']}: "
    yield from (named + each for each in _breaches(evidence, now))


def _breaches(evidence: Evidence, now: datetime) -> Iterator[str]:
    ends = [fact for fact in evidence.facts if fact["name"] == "ended"]
    if not ends:
        started = datetime.fromisoformat(evidence.call["started_at"])
        if now - started > LONGEST_CALL:
            yield "has no end"
        return
    if len(ends) > 1:
        yield f"has {len(ends)} ends"
    end = ends[0]
    yield from _gaps(evidence.facts, end["data"]["last_seq"])
    if now - datetime.fromisoformat(end["at"]) < SETTLES_WITHIN and not evidence.call["settled"]:
        return
    yield from _record(evidence.call)
    yield from _recording(evidence)
    yield from _usage(evidence, end["data"])


def _gaps(facts: Sequence[Row], last_seq: int) -> Iterator[str]:
    seen = Counter(
        fact["seq"] for fact in facts if fact["seq"] is not None and fact["name"] != "ended"
    )
    missing = [seq for seq in range(1, last_seq + 1) if seq not in seen]
    if missing:
        yield f"facts {_ranges(missing)} of {last_seq} are missing"
    doubled = sorted(seq for seq, count in seen.items() if count > 1)
    if doubled:
        yield f"facts {_ranges(doubled)} are there twice"


def _ranges(numbers: Sequence[int]) -> str:
    texts: list[str] = []
    begin = previous = numbers[0]
    for number in (*numbers[1:], None):
        if number == previous + 1:
            previous = number
            continue
        texts.append(str(begin) if begin == previous else f"{begin}-{previous}")
        if number is not None:
            begin = previous = number
    return ", ".join(texts)


def _record(call: Row) -> Iterator[str]:
    if not call["settled"]:
        yield "its record is not sealed"
    elif call["missing"]:
        yield f"its sealed record lacks {', '.join(call['missing'])}"


def _recording(evidence: Evidence) -> Iterator[str]:
    by_name = {fact["name"]: fact["data"] for fact in evidence.facts}
    connected, stored = by_name.get("connected"), by_name.get("recording_stored")
    if connected is None or not connected["recorded"]:
        return
    if stored is None:
        yield "its recording is not stored"
        return
    length = evidence.call["duration_ms"] or 0
    # What found no room on the worker's disk was said to be gone: it is known, not lost.
    refused = by_name["ended"].get("refused_segments", 0)
    if stored["missing_segments"] > refused:
        yield f"its recording lacks {stored['missing_segments'] - refused} segments"
    elif not refused and abs(stored["duration_ms"] - length) > RECORDING_TOLERANCE_MS:
        yield f"its recording is {stored['duration_ms']} ms long, the call {length} ms"


def _usage(evidence: Evidence, end: Row) -> Iterator[str]:
    bill = evidence.bill
    if not bill["rated"]:
        yield "its usage is not rated"
        return
    counted = sum(line["records"] for line in bill["lines"])
    if end["usage_records"] >= 0 and counted < end["usage_records"]:
        yield f"{end['usage_records']} usage records were sent, {counted} are billed"
    total = sum(line["amount_micros"] for line in bill["lines"])
    if total != bill["total_micros"]:
        yield f"its bill's lines add up to {total}, its total is {bill['total_micros']}"
