"""Two media workers and two of every consumer: calls spread, a drained worker loses nobody, and a
killed consumer loses nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.simulators.crowd import Crowd, Seen
from tests.simulators.generous import allow_calls, bear_silence, rulebook_version
from tests.simulators.running_stack import RunningStack

SLOTS = 6
CALLERS = 10
"""More than one worker has slots for."""


@pytest.fixture(scope="module")
def doubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Two of everything that can be scaled."""
    folder = tmp_path_factory.mktemp("doubled")
    scale = ("--scale", "media=2,offpath=2")
    stack = RunningStack.start(folder, *scale, CALLFUNNEL_MEDIA_SLOTS=str(SLOTS))
    allow_calls(stack, 2 * CALLERS)
    yield stack
    assert stack.stop() == 0


def workers(stack: RunningStack) -> dict[str, tuple[str, str]]:
    """Of each call not told busy: when it was offered, and which worker it was pinned to."""
    found = {}
    for item in stack.sealed():
        if item["cause"] == "refused_busy":
            continue
        timeline = stack.get(f"/v1/calls/{item['call']}/timeline")
        facts = {fact["name"]: fact for fact in timeline["items"]}
        found[item["call"]] = (facts["offered"]["at"], facts["pinned"]["data"]["worker"])
    return found


def test_a_rule_book_that_two_watch_is_published_once(doubled: RunningStack) -> None:
    assert rulebook_version(doubled) == 1
    bear_silence(doubled)
    assert rulebook_version(doubled) == 2


def test_calls_spread_over_both_workers_and_killed_consumers_lose_nothing(
    doubled: RunningStack,
) -> None:
    before = set(workers(doubled)) if (doubled.get("/v1/calls") or {})["items"] else set()
    crowd = Crowd(doubled.ready, CALLERS, lasts=(3, 5))

    async def scenario() -> Seen:
        await crowd.begin()
        for name in ("offpath-1", "offpath-2", "offpath-1"):  # as calls begin, talk and settle
            await asyncio.to_thread(doubled.kill, name)
        return await crowd.end()

    seen = asyncio.run(scenario())
    assert (seen.dropped, seen.unanswered) == ([], [])
    spread = Counter(w for call, (_, w) in workers(doubled).items() if call not in before)
    assert set(spread) == {"media-1", "media-2"}
    assert sum(spread.values()) == len(seen.whole)
    doubled.json("audit")


def test_no_call_reaches_a_worker_that_was_told_to_leave_and_those_it_has_end_by_themselves(
    doubled: RunningStack,
) -> None:
    crowd = Crowd(doubled.ready, SLOTS, lasts=(2, 5))

    async def scenario() -> tuple[Seen, str, str]:
        await crowd.begin()
        command = await asyncio.to_thread(doubled.begin, "drain", "media-1")
        assert command.stdout is not None
        refusing = await asyncio.to_thread(command.stdout.readline)
        since = datetime.now(UTC).isoformat()
        rest, errors = await asyncio.to_thread(command.communicate)
        assert command.returncode == 0, errors
        seen = await crowd.end()
        return seen, refusing + rest, since

    seen, told, since = asyncio.run(scenario())
    assert "media-1 takes no call since" in told
    assert "media-1 left after" in told
    assert (seen.dropped, seen.unanswered) == ([], [])
    late = [worker for at, worker in workers(doubled).values() if at > since]
    assert late
    assert set(late) == {"media-2"}
    states = {each["name"]: each["state"] for each in doubled.json("ps")}
    assert (states["media-1"], states["media-2"]) == ("left", "serving")
    assert "media-1 is done" in doubled.run("restart", "media-1")
    assert doubled.pid("media-1")
    doubled.json("audit")


def test_an_order_for_what_is_not_there_is_one_clear_line(doubled: RunningStack) -> None:
    assert "there is no media-9; there are: nats" in doubled.run("restart", "media-9", status=2)
    assert "offpath-1 has no calls to end" in doubled.run("drain", "offpath-1", status=2)
