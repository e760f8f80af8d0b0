"""Something is full or away for seconds while a caller talks: nothing of it is heard, nothing lost.

The same scenarios in full length, with their figures: `./cf chaos pressure`.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chaos.pressure import books, troubles
from tests.chaos.pressure.callers import one_more
from tests.chaos.pressure.held_programs import doors
from tests.chaos.pressure.playing import Plan, play
from tests.simulators.running_stack import RunningStack
from tests.simulators.waiting import eventually

SECONDS = 3.5
TROUBLES = (troubles.down("postgres"), troubles.full_disk, troubles.full("AUDIO"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack whose services can be kept away and whose worker has a small disk."""
    folder = tmp_path_factory.mktemp("stack")
    with troubles.small_disk(folder / "home"):
        stack = RunningStack.start(folder, **doors(folder))
        yield stack
        assert stack.stop() == 0


def test_a_caller_hears_nothing_of_one_trouble_after_the_other_and_everything_arrives(
    running: RunningStack,
) -> None:
    seen = play(running, Plan("one after the other", TROUBLES, SECONDS, doctor_from=1))
    (heard,) = seen.heard
    assert heard.answers >= 2, "the greeting, an answer in the troubles; one after them is sure"
    assert heard.longest_quiet_s < 8, "the caller's sentences, and the agent's thinking"
    assert seen.complaints == []
    assert (seen.lost, seen.problems) == (0, [])

    database, disk, audio = seen.meanwhile.fates
    assert disk.startswith("All our lines are busy"), "a call that cannot be recorded is not taken"
    assert (database, audio) == ("an answer", "an answer")

    told = {each["what"]: each["detail"] for each in seen.meanwhile.findings}
    assert "spool" in told["media-1"]
    assert "full" in told["stream AUDIO"]


def letters(running: RunningStack, consumer: str, count: int) -> list[dict[str, Any]]:
    """The dead letters of a consumer, once there are so many."""
    words = ("dead", "list", "--consumer", consumer)

    def there() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = running.json(*words)
        return found if len(found) == count else []

    return eventually(there, f"{count} dead letters of {consumer}")


def test_what_no_try_could_help_is_put_back_by_hand_and_the_call_is_whole(
    running: RunningStack,
) -> None:
    with troubles.poisoned_timeline(running):
        (call,) = one_more(running).finish()
        (letter,) = letters(running, "timeline", 1)
        assert "not while it is poisoned" in letter["reason"]
        assert (letter["id"].split("-")[0], letter["replays"]) == (call.call, 0)

        running.run("dead", "replay", str(letter["number"]))
        again = eventually(
            lambda: [x for x in letters(running, "timeline", 1) if x["replays"] == 1], "it dies"
        )
        assert [each["id"] for each in again] == [letter["id"]]

    assert "1 put back" in running.run("dead", "replay", "--all", "--consumer", "timeline")

    eventually(lambda: books.is_settled(running, [call.call]), "its record is sealed")
    assert running.json("dead", "list", "--consumer", "timeline") == []
    assert running.json("audit")["problems"] == []


def test_what_cannot_be_decoded_lies_in_dead_and_is_not_shown_unless_asked_for(
    running: RunningStack,
) -> None:
    card = b"my card is 4111 1111 1111 1111"
    spoken = "callfunnel.call.caller_spoke.v1"
    asyncio.run(troubles.garbage(running, "cf.demo.raw.c_0.caller_spoke", spoken, card))

    (letter,) = letters(running, "redaction", 1)

    assert "cannot be decoded" in letter["reason"]
    number = str(letter["number"])
    assert "4111" not in running.run("dead", "show", number) + str(letter)
    assert "4111" in running.run("dead", "show", number, "--body")
