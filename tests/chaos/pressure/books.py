"""The books of a stack: what the worker's spool accepted, and what of it arrived."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.chaos.pressure.gauges import metric
from tests.simulators.running_stack import COMMAND, RunningStack, environment_of

GONE = ("media_lost_segments_total", "media_lost_messages_total")
"""What the worker counts as gone for want of room."""
RECORDING_METER = "recording.ms"
"""Counted from the stored recording, not told by the worker."""


@dataclass(frozen=True)
class Books:
    """Counts over all calls: messages the worker's spool took, and those that are in the records.

    `problems` is what `audit` says.
    """

    accepted: int
    arrived: int
    refused: int
    problems: list[str]


def read(stack: RunningStack) -> Books:
    """Reads everything there is about every call of the worker."""
    arrived = sum(_told(stack, call["call"]) for call in _calls(stack))
    return Books(
        accepted=round(metric(stack.home, "media-1", "spool_emitted_total")),
        arrived=arrived,
        refused=sum(round(metric(stack.home, "media-1", name)) for name in GONE),
        problems=_audit(stack),
    )


def _calls(stack: RunningStack) -> Iterator[dict[str, Any]]:
    """Every call, page by page."""
    cursor = ""
    while True:
        page = stack.get(f"/v1/calls?limit=100{cursor}")
        yield from page["items"]
        if not page["next"]:
            return
        cursor = f"&cursor={page['next']}"


def _told(stack: RunningStack, call: str) -> int:
    """Facts, segments and usage records of one call, as far as its worker told them."""
    facts = stack.get(f"/v1/calls/{call}/timeline")["items"]
    if any(fact["name"] == "refused" for fact in facts):
        return 0  # the gateway told it
    segments = [fact["data"]["segments"] for fact in facts if fact["name"] == "recording_stored"]
    lines = stack.get(f"/v1/calls/{call}/bill")["lines"]
    used = sum(line["records"] for line in lines if line["meter"] != RECORDING_METER)
    return sum(fact["seq"] is not None for fact in facts) + sum(segments) + used


def _audit(stack: RunningStack) -> list[str]:
    words = [*COMMAND, "audit", "--json", "--home", str(stack.home)]
    out = subprocess.run(
        words, check=False, capture_output=True, text=True, env=environment_of({})
    ).stdout
    problems: list[str] = json.loads(out)["problems"]
    return problems


def is_settled(stack: RunningStack, calls: list[str]) -> bool:
    """Whether the record of each of these calls is sealed."""
    shown = [stack.get(f"/v1/calls/{call}") for call in calls]
    return all(each is not None and each["settled"] for each in shown)
