"""Something is full or away for seconds while a caller talks: nothing of it is heard, nothing lost.

The same scenarios in full length, with their figures: `./cf chaos pressure`.
"""

from collections.abc import Iterator

import pytest

from tests.chaos.pressure import troubles
from tests.chaos.pressure.held_programs import doors
from tests.chaos.pressure.playing import Plan, play
from tests.simulators.running_stack import RunningStack

SECONDS = 4.5
TROUBLES = (
    troubles.down("postgres"),
    troubles.full_disk,
    troubles.full("AUDIO"),
    troubles.down("objects"),
)


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
    seen = play(running, Plan("one after the other", TROUBLES, SECONDS))
    (heard,) = seen.heard
    assert heard.answers >= 4
    assert heard.longest_quiet_s < 8, "the caller's sentences, and the agent's thinking"
    assert seen.complaints == []
    assert (seen.lost, seen.problems) == (0, [])

    database, disk, audio, objects = seen.meanwhile.fates
    assert disk.startswith("All our lines are busy"), "a call that cannot be recorded is not taken"
    assert (database, audio, objects) == ("an answer", "an answer", "an answer")

    told = {each["what"]: each["detail"] for each in seen.meanwhile.findings}
    assert "spool" in told["media-1"]
    assert "full" in told["stream AUDIO"]
    assert {"database", "objects"} <= told.keys()
