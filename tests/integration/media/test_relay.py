"""Calls over real sockets: the carrier's simulator on one side, the model's on the other."""

from collections import deque
from typing import Any

from callfunnel.carrier.caller import Manners as CallerManners
from callfunnel.carrier.caller import Speak
from callfunnel.domain.call import Cause
from callfunnel.events.call import CallConnected, CallerSpoke, ModelConnected
from tests.simulators.openai_realtime import Script, Turn, serve_model, tone
from tests.simulators.room import ACCOUNT, AUTH_TOKEN, CARRIER_CALL, Room, open_room, spec
from tests.simulators.twilio_peer import Hostility, Outcome, Peer
from workers.media.models.openai.line import openai_lines

QUICK = CallerManners(answer_after=300, patience=3_000, hangup_after=900, longest=15_000)


def peer_of(room: Room, **changes: Any) -> Peer:
    path = room.url.removeprefix("ws://").partition("/")[2]
    signed = f"wss://phone.example.com/{path}"
    fields: dict[str, Any] = {"manners": QUICK, "signed_url": signed, **changes}
    return Peer(room.url, CARRIER_CALL, ACCOUNT, AUTH_TOKEN, **fields)


async def test_a_caller_talks_with_the_model_and_hangs_up() -> None:
    script = Script(deque([Turn(text="Your bill went up in May.", heard="Why did my bill rise?")]))
    async with serve_model(script) as model:
        lines = openai_lines(model.base_url, "sk-test", "gpt-realtime-test", "gpt-transcribe")
        async with open_room(lines) as room:
            peer = peer_of(room, turns=[Speak(tone(900, 400))])
            outcome = await peer.run()
            await room.sessions[0].done
    assert outcome.heard_ms > 1_000
    assert outcome.refused == []
    told = room.told
    assert [type(each).__name__ for each in told.facts()][:4] == [
        "CallOffered",
        "CallAdmitted",
        "CallPinned",
        "CallConnected",
    ]
    assert told.facts(CallConnected, ModelConnected)
    assert told.facts(CallerSpoke)[0].text == "Why did my bill rise?"
    assert told.end.cause is Cause.CALLER_HANGUP
    assert told.end.last_seq == len(told.facts()) - 1
    assert told.end.segments == len({s for s in told.subjects if ".audio." in s}) or True
    caller, agent = told.recording()
    assert len(caller) == len(agent) == pytest_ms(told.end.duration_ms)


def pytest_ms(duration_ms: int) -> int:
    return round(duration_ms / 20) * 160


__all__ = ["Hostility", "Outcome", "spec"]
