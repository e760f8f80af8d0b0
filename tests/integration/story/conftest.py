"""One whole stack for all stories, and the calls that tell them: several at a time, as in life."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.running_stack import RunningStack, finished
from tests.simulators.waiting import eventually

BILL = "say:why did my bill go up"
CANCEL = ("say:i want to cancel", "say:yes please")
CARD = "say:my card number is four one one one" + " one one one one" * 3
SOON = ("--hangup-after", "6", "--json")  # a busy machine takes its time to understand
PATIENT = ("--hangup-after", "12", "--json")


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    stack = RunningStack.start(tmp_path_factory.mktemp("story"))
    yield stack
    assert stack.stop() == 0


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the caller who asks for the bill leaves what they heard."""
    return tmp_path_factory.mktemp("heard") / "heard.wav"


@pytest.fixture(scope="module")
def decisions(up: RunningStack) -> dict[str, Any]:
    """Two callers want to cancel at once: of their discounts one is approved and one refused.

    Gives each decision's report; `late` is the answer to a second click.
    """
    calls = [up.begin("call", *CANCEL, *PATIENT) for _ in range(2)]
    opened = eventually(lambda: _two_open(up), "two approvals are asked for", 90)
    for command, approval in zip(("approve", "refuse"), opened, strict=True):
        up.run(command, approval["approval"])
    reports = {report["call"]: report for report in map(finished, calls)}
    return {
        "asked": opened[0]["what"],
        "approved": reports[opened[0]["call"]],
        "refused": reports[opened[1]["call"]],
        "late": up.run("refuse", opened[0]["approval"], status=2),
    }


def _two_open(up: RunningStack) -> list[dict[str, Any]]:
    opened = [each for each in up.json("approvals") if each["state"] == "open"]
    return opened if len(opened) == 2 else []


@pytest.fixture(scope="module")
def stories(up: RunningStack, heard: Path) -> dict[str, dict[str, Any]]:
    """Reports of three calls at once: the bill, a card number, and one who talks over the agent."""
    begun = {
        "bill": up.begin("call", BILL, "say:goodbye", "--out", str(heard), *SOON),
        "card": up.begin("call", CARD, *PATIENT),
        "over": up.begin("call", BILL, "over:say:i want to talk to a person please", "2s", *SOON),
    }
    return {name: finished(call) for name, call in begun.items()}
