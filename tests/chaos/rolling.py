"""A rolling restart of every process under calls: `./cf chaos rolling [calls]`, else 50.

Starts a stack of its own with two media workers, keeps that many callers on the line, restarts
everything one after the other, drains one of the workers, and prints what the callers saw and what
`audit` says.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.simulators.crowd import Crowd, Seen
from tests.simulators.generous import allow_calls, bear_silence
from tests.simulators.running_stack import RunningStack

CALLS = 50
CALM_S = 5.0
"""Before and after the restart, so that calls span it."""


async def roll_under(stack: RunningStack, calls: int, *places: str) -> Seen:
    """What the callers saw while everything was restarted."""
    crowd = Crowd(stack.ready, calls)
    await crowd.begin()
    await asyncio.sleep(CALM_S)
    await carried_out(stack, "restart", *places, "--rolling")
    await asyncio.sleep(CALM_S)
    await carried_out(stack, "drain", "media-1")
    return await crowd.end()


async def carried_out(stack: RunningStack, *words: str) -> None:
    """Runs a command and shows what it says."""
    command = stack.begin(*words)
    told, errors = await asyncio.to_thread(command.communicate)
    print(told, errors, sep="", flush=True)
    assert command.returncode == 0, errors


def main(words: list[str]) -> int:
    """Prints what was seen; 0 when nothing was dropped and nothing is missing."""
    if len(words) > 1 or any(not (word.isascii() and word.isdigit()) for word in words):
        print("usage: ./cf chaos rolling [CALLS]; CALLS is a number", file=sys.stderr)
        return 2
    began, calls = time.monotonic(), int(words[0]) if words else CALLS
    with tempfile.TemporaryDirectory() as folder:
        slots = {"CALLFUNNEL_MEDIA_SLOTS": str(calls)}
        stack = RunningStack.start(Path(folder), "--scale", "media=2", **slots)
        try:
            allow_calls(stack, 2 * calls)
            bear_silence(stack)
            seen = asyncio.run(roll_under(stack, calls, "all"))
            print("\n".join(seen.lines))
            stack.sealed()
            for outcome in seen.dropped:
                shown = stack.get(f"/v1/calls/{outcome.call}") or {}
                print(outcome.call, shown.get("cause"), shown.get("duration_ms"))
            print(stack.run("audit").strip())
            print(stack.run("ps"))
        finally:
            stack.stop()
            print((Path(folder) / "up.log").read_text())
    print(f"{time.monotonic() - began:.0f} s in all")
    return 1 if seen.dropped or seen.unanswered else 0
