"""kill -9 during a call, one process at a time: nothing accepted is lost, nothing is doubled.

The caller talks to the demo agent on the whole running product; the process dies right after the
first turn was told. Whatever died, the call has one end, a whole timeline, a recording and exact
usage, and `audit` has nothing to say.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.chaos.conftest import CLI, ENVIRONMENT, Running, eventually

SURVIVES = ("offpath", "nats", "postgres", "objects", "issuer")
"""Their death is not heard by the caller."""
CARRIES_AUDIO = ("media-1", "gateway")
"""The call's audio runs through them; the gateway's because it relays in the embedded stack."""


@contextmanager
def talking(running: Running) -> Iterator[str]:
    """A call in the middle of its first turn; at the end of the block the caller is off too."""
    before = running.calls()
    with running.caller("say:why did my bill go up", "60s") as caller:
        (call,) = eventually(lambda: running.calls() - before, "the call is in the list")
        eventually(lambda: "caller_spoke" in running.names(call), "the caller's first turn")
        yield call
        caller.wait(60)


def hang_up(running: Running, call: str) -> bool:
    """Asks for the end; False while nobody can answer, or the call is over."""
    try:
        return running.api.post(f"/v1/calls/{call}/hangup").status_code < 300
    except httpx.HTTPError:
        return False


def sealed(running: Running, call: str) -> dict:
    """The sealed record, once there is one."""
    return eventually(lambda: running.get(f"/v1/calls/{call}/record"), "a sealed record", 60)


def audit(running: Running) -> dict:
    """What `audit` finds in every call of the stack."""
    command = [*CLI, "audit", "--home", str(running.home), "--json"]
    done = subprocess.run(
        command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def whole(running: Running, call: str) -> dict:
    """Checks that nothing of the call is missing or doubled; its summary."""
    assert sealed(running, call)["missing"] == []
    names = running.names(call)
    for once in ("offered", "connected", "ended", "recording_stored", "rated", "settled"):
        assert names.count(once) == 1, (once, names)
    audit(running)
    return running.get(f"/v1/calls/{call}")


@pytest.mark.parametrize("victim", SURVIVES)
def test_a_call_outlives_the_death_of_a_process_beside_it(running: Running, victim: str) -> None:
    with talking(running) as call:
        running.kill(victim)
        eventually(lambda: hang_up(running, call), "an operator can end the call")
    shown = whole(running, call)
    assert (shown["cause"], shown["ended_by"]) == ("operator_hangup", "operator")


@pytest.mark.parametrize("victim", CARRIES_AUDIO)
def test_a_call_whose_audio_path_dies_has_one_end_and_frees_its_place(
    running: Running, victim: str
) -> None:
    with talking(running) as call:
        running.kill(victim)
    shown = whole(running, call)
    assert shown["cause"] in {"worker_lost", "media_lost"}
    with talking(running) as again:
        eventually(lambda: hang_up(running, again), "the next call can be ended")
    assert whole(running, again)["cause"] == "operator_hangup"
