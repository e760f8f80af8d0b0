"""The one way out."""

from callfunnel.domain.call import Cause, EndedBy
from workers.media.core.ending import MAX_NOTE, Ending


def test_the_first_cause_decides_and_notes_stay_short() -> None:
    ending = Ending()
    assert ending.decide(Cause.SILENCE, EndedBy.PLATFORM)
    for _ in range(100):
        assert not ending.decide(Cause.CALLER_HANGUP, EndedBy.CALLER, "x" * 50)
    assert ending.cause is Cause.SILENCE
    assert len(ending.note) <= MAX_NOTE


def test_a_transfer_nobody_was_left_for_was_none() -> None:
    ending = Ending()
    ending.decide(Cause.TRANSFERRED, EndedBy.AGENT)
    ending.number = "+15550100900"
    ending.missed_transfer(Cause.CALLER_HANGUP, EndedBy.CALLER)
    assert (ending.cause, ending.number) == (Cause.CALLER_HANGUP, "")
