"""Peers that break the rules: the call ends with a reason, the worker stays, nothing is lost."""

from collections import deque
from typing import Any

import pytest

from callfunnel.carrier.caller import Speak, Wait
from callfunnel.domain.call import Cause
from callfunnel.events.call import AgentSpoke, CallerSpoke, CallRefused, ModelLost
from tests.simulators.openai_realtime import Manners, Script, Turn
from tests.simulators.room import rulebook
from tests.simulators.sounds import tone
from tests.simulators.studio import Scene, Take, play
from tests.simulators.twilio_peer import Hostility

APOLOGY = rulebook().apology


def hostile(**switches: Any) -> Take:
    return play(Scene(turns=[Wait(20_000)], hostility=Hostility(**switches)))


def rude(**switches: Any) -> Take:
    script = Script(deque([Turn(text="Well then.")]), Manners(**switches))
    return play(Scene(script, turns=[Speak(tone(700, 400)), Wait(30_000)]))


@pytest.mark.parametrize(
    ("switches", "note"),
    [
        ({"garbage_at": 50}, "payload is no base64"),
        ({"binary_at": 50}, "binary frame"),
        ({"start_twice": True}, "second start"),
        ({"media_first": True}, "media before start"),
        ({"foreign_call": True}, "start names another call"),
        ({"no_start": True}, "no start in time"),
    ],
)
def test_a_carrier_that_breaks_the_protocol_ends_its_call_with_the_reason(
    switches: dict[str, Any], note: str
) -> None:
    take = hostile(**switches)
    assert take.told.end.cause is Cause.MEDIA_LOST
    assert note in take.told.end.note
    assert take.socket.close_code == 1000
    assert len(take.errands.ends) == 1


def test_a_frame_that_is_too_large_closes_the_socket() -> None:
    take = hostile(huge_at=50)
    assert take.socket.close_code == 1009
    assert take.told.end.cause is Cause.MEDIA_LOST


def test_a_socket_that_breaks_is_media_lost_and_a_stop_is_a_hang_up() -> None:
    assert hostile(abort_at=60).told.end.cause is Cause.MEDIA_LOST
    assert hostile(stop_at=60).told.end.cause is Cause.CALLER_HANGUP


@pytest.mark.parametrize("switch", ["omit_marks", "duplicate_marks"])
def test_marks_that_never_come_or_come_twice_do_not_stop_the_conversation(switch: str) -> None:
    script = Script(deque([Turn(text="Your bill went up.", heard="Why?")]))
    turns = [Speak(tone(700, 400))]
    take = play(Scene(script, turns=turns, hostility=Hostility(**{switch: True})))
    assert [each.text for each in take.told.facts(AgentSpoke)] == [
        "Hello and welcome.",
        "Your bill went up.",
    ]
    assert take.told.facts(CallerSpoke)


@pytest.mark.parametrize(
    ("switches", "reason"),
    [
        ({"handshake_status": 503}, "refused with status 503"),
        ({"silent": True}, ""),
        ({"refuse_session": "invalid_value"}, "session refused"),
        ({"refuse_session": "insufficient_quota"}, "insufficient_quota"),
        ({"output_format": "audio/pcm"}, "wrong audio format"),
        ({"close_after": 100}, "closed"),
        ({"close_after": 100, "close_code": 1001}, "session_expired"),
        ({"garbage_after": 100}, "unreadable event"),
        ({"stall_replies": True}, ""),
        ({"fail_reply": "insufficient_quota"}, "insufficient_quota"),
    ],
)
def test_a_model_that_fails_is_apologised_for_and_ends_the_call(
    switches: dict[str, Any], reason: str
) -> None:
    take = rude(**switches)
    lost = take.told.facts(ModelLost)
    assert len(lost) == 1
    assert reason in lost[0].reason
    assert take.mouth.said == [APOLOGY]
    assert take.told.facts(AgentSpoke)[-1].text == APOLOGY
    assert take.told.end.cause is Cause.MODEL_FAILED
    assert take.socket.close_code == 1000


def test_requests_that_meet_an_active_reply_are_repeated() -> None:
    script = Script(deque([Turn(text="Well then.")]), Manners(busy_errors=1))
    take = play(Scene(script, turns=[Speak(tone(700, 400))]))
    assert take.told.facts(CallRefused) == []
    assert "Well then." in [each.text for each in take.told.facts(AgentSpoke)]


def test_a_carrier_that_reads_nothing_does_not_hold_the_worker_up() -> None:
    take = play(Scene(turns=[Wait(4_000)], hostility=Hostility(deaf=True, stop_at=300)))
    assert take.told.end.cause is Cause.CALLER_HANGUP
