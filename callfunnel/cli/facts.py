"""Facts of a call as lines of text, and server-sent events as facts. Pure."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from typing import Any

from callfunnel.cli.output import money, seconds

Fact = Mapping[str, Any]


def from_lines(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The facts in a stream of server-sent events; what is no fact is passed over."""
    for line in lines:
        if fact := _fact(line):
            yield fact


async def from_feed(lines: AsyncIterable[str]) -> AsyncIterator[dict[str, Any]]:
    async for line in lines:
        if fact := _fact(line):
            yield fact


def _fact(line: str) -> dict[str, Any] | None:
    """A fact is one line of data; names and comments of the protocol are not needed."""
    if not line.startswith("data:"):
        return None
    try:
        body = json.loads(line.removeprefix("data:"))
    except (ValueError, RecursionError):
        return None
    known = isinstance(body, dict) and isinstance(body.get("data"), dict) and "name" in body
    return body if known else None


def describe(fact: Fact) -> str:
    """One line for a person: who did what. Empty for facts that only machines care about, and for
    those of another shape than this version knows. What would move a terminal's cursor is left out.
    """
    try:
        line = _described(fact)
    except (LookupError, TypeError, ValueError, AttributeError):
        return ""
    return "".join(sign if sign.isprintable() else " " for sign in line)


def _described(fact: Fact) -> str:
    data = fact["data"]
    match fact["name"]:
        case "caller_spoke":
            return f"caller    {data['text']}"
        case "agent_spoke":
            return f"agent     {data['text']}{' ...' if data['interrupted'] else ''}"
        case "tool_called":
            return f"tool      {data['tool']} {_short(data['arguments'])}"
        case "tool_returned":
            return f"tool      {data['tool']} {data['outcome']} {_short(data['result'])}"
        case "key_pressed":
            return f"key       {data['digit']}"
        case "transfer_started":
            return f"transfer  to {data['to']}"
        case _:
            return _milestone(fact)


def _milestone(fact: Fact) -> str:
    data = fact["data"]
    match fact["name"]:
        case "offered":
            return f"offered   {data['caller']} to {data['callee']}, agent {data['agent']}"
        case "refused":
            return f"refused   {data['reason']}"
        case "approval_requested":
            return f"approval  {data['approval']} asks: {data['what']}"
        case "approval_decided":
            return f"approval  {data['approval']} {data['decision']} by {data['by']}"
        case "approval_expired":
            return f"approval  {data['approval']} expired"
        case "model_lost":
            return f"model     lost: {data['reason']}"
        case "ended":
            return f"ended     {data['cause']} by {data['by']}, {seconds(data['duration_ms'])}"
        case "recording_stored":
            return f"recording {seconds(data['duration_ms'])}"
        case "rated":
            return f"bill      {money(data['amount_micros'], data['currency'])}"
        case "settled":
            missing = ", ".join(data["missing"]) or "nothing"
            return f"settled   missing: {missing}"
        case _:
            return ""


def _short(values: Mapping[str, Any]) -> str:
    text = ", ".join(f"{name}={value}" for name, value in values.items())
    return text if len(text) <= 120 else text[:117] + "..."


def transcript(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """Who said what, in order, as it was heard."""
    who = {"caller_spoke": "caller", "agent_spoke": "agent"}
    return [
        {"who": who[fact["name"]], "text": fact["data"]["text"], "at_ms": fact["data"]["start_ms"]}
        for fact in facts
        if fact["name"] in who
    ]


def responses(facts: Iterable[Fact]) -> list[int]:
    """End of the caller's speech to the agent's first audio, each turn, milliseconds."""
    measured = (
        fact["data"].get("response_ms") for fact in facts if fact["name"] == "turn_measured"
    )
    return [each for each in measured if each is not None]
