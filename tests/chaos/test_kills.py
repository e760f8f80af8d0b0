"""kill -9 during a call, one process at a time: nothing accepted is lost, nothing is doubled.

The caller talks to the demo agent on the whole running product; the process dies right after the
first turn was told. Whatever died, the call has one end, a whole timeline, a recording and exact
usage, and `audit` has nothing to say.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.simulators.running_stack import RunningStack
from tests.simulators.waiting import eventually

SURVIVES = ("offpath", "nats", "postgres", "objects", "issuer")
"""Their death is not heard by the caller."""
CARRIES_AUDIO = ("media-1", "gateway")
"""The call's audio runs through them; the gateway's because it relays in the embedded stack."""


@contextmanager
def talking(running: RunningStack) -> Iterator[str]:
    """A call in the middle of its first turn; at the end of the block the caller is off too."""
    before = calls(running)
    with running.begin("call", "say:why did my bill go up", "60s", "--json") as caller:
        try:
            (call,) = eventually(lambda: calls(running) - before, "the call is in the list")
            eventually(lambda: "caller_spoke" in names(running, call), "the caller's first turn")
            yield call
            caller.wait(60)
        finally:
            caller.kill()


def calls(running: RunningStack) -> set[str]:
    """The calls there are."""
    shown = eventually(lambda: running.get("/v1/calls?limit=100"), "the list of calls")
    return {item["call"] for item in shown["items"]}


def names(running: RunningStack, call: str) -> list[str]:
    """The names of the facts of a call, as far as the API tells them now."""
    shown = running.get(f"/v1/calls/{call}/timeline")
    return [fact["name"] for fact in shown["items"]] if shown else []


def hang_up(running: RunningStack, call: str) -> bool:
    """Asks for the end; False while nobody can answer, or the call is over."""
    try:
        return running.api.post(f"/v1/calls/{call}/hangup").status_code < 300
    except httpx.HTTPError:
        return False


def sealed(running: RunningStack, call: str) -> dict[str, Any]:
    """The sealed record, once there is one."""
    record: dict[str, Any] = eventually(
        lambda: running.get(f"/v1/calls/{call}/record"), "a sealed record", 60
    )
    return record


def whole(running: RunningStack, call: str) -> dict[str, Any]:
    """Checks that nothing of the call is missing or doubled; its summary."""
    assert sealed(running, call)["missing"] == []
    told = names(running, call)
    for once in ("offered", "connected", "ended", "recording_stored", "rated", "settled"):
        assert told.count(once) == 1, (once, told)
    running.json("audit")  # ends with 0, or the test does
    shown: dict[str, Any] = running.get(f"/v1/calls/{call}")
    return shown


@pytest.mark.parametrize("victim", SURVIVES)
def test_a_call_outlives_the_death_of_a_process_beside_it(
    running: RunningStack, victim: str
) -> None:
    with talking(running) as call:
        running.kill(victim)
        eventually(lambda: hang_up(running, call), "an operator can end the call")
    shown = whole(running, call)
    assert (shown["cause"], shown["ended_by"]) == ("operator_hangup", "operator")


@pytest.mark.parametrize("victim", CARRIES_AUDIO)
def test_a_call_whose_audio_path_dies_has_one_end_and_frees_its_place(
    running: RunningStack, victim: str
) -> None:
    with talking(running) as call:
        running.kill(victim)
    shown = whole(running, call)
    assert shown["cause"] in {"worker_lost", "media_lost"}
    with talking(running) as again:
        eventually(lambda: hang_up(running, again), "the next call can be ended")
    assert whole(running, again)["cause"] == "operator_hangup"
