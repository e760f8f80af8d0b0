"""Calls over real sockets: the carrier's simulator on one side, the model's on the other."""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from callfunnel.carrier.caller import Manners as CallerManners
from callfunnel.carrier.caller import Speak, Wait
from callfunnel.domain.call import Cause, Channel
from callfunnel.events.call import CallerSpoke, ModelConnected, ModelLost
from tests.simulators.openai_realtime import Manners, Script, Turn
from tests.simulators.openai_server import serve_model
from tests.simulators.room import ACCOUNT, AUTH_TOKEN, CARRIER_CALL, Room, open_room, spec
from tests.simulators.sounds import tone
from tests.simulators.twilio_peer import Hostility, Peer
from workers.media.models.openai.line import openai_lines

QUICK = CallerManners(answer_after=200, patience=2_000, hangup_after=600, longest=15_000)


@contextlib.asynccontextmanager
async def room(script: Script, **call: Any) -> AsyncIterator[Room]:
    async with serve_model(script) as model:
        lines = openai_lines(model.base_url, "sk-test", "gpt-realtime-test", "gpt-transcribe")
        async with open_room(lines, call=spec(**call)) as opened:
            yield opened


def peer_of(opened: Room, **changes: Any) -> Peer:
    path = opened.url.removeprefix("ws://").partition("/")[2]
    signed = f"wss://phone.example.com/{path}"
    fields: dict[str, Any] = {"manners": QUICK, "signed_url": signed, **changes}
    return Peer(opened.url, CARRIER_CALL, ACCOUNT, AUTH_TOKEN, **fields)


async def test_a_caller_talks_with_the_model_and_hangs_up() -> None:
    script = Script(deque([Turn(text="It went up in May.", heard="Why did my bill rise?")]))
    async with room(script) as opened:
        outcome = await peer_of(opened, turns=[Speak(tone(700, 400))]).run()
        await opened.sessions[0].done
    told = opened.told
    assert outcome.heard_ms > 1_000
    assert outcome.refused == []
    assert told.facts(ModelConnected)
    assert told.facts(CallerSpoke)[0].text == "Why did my bill rise?"
    assert told.end.cause is Cause.CALLER_HANGUP
    caller, agent = told.recording()
    assert len(caller) == len(agent)
    assert abs(len(caller) / 8 - told.end.duration_ms) <= 20


@pytest.mark.parametrize(
    ("switches", "cause"),
    [
        ({"garbage_at": 20}, Cause.MEDIA_LOST),
        ({"binary_at": 20}, Cause.MEDIA_LOST),
        ({"huge_at": 20}, Cause.MEDIA_LOST),
        ({"abort_at": 20}, Cause.MEDIA_LOST),
        ({"stop_at": 20}, Cause.CALLER_HANGUP),
        ({"foreign_call": True}, Cause.MEDIA_LOST),
    ],
)
async def test_a_hostile_carrier_ends_its_own_call_and_no_other(
    switches: dict[str, Any], cause: Cause
) -> None:
    async with room(Script()) as opened:
        hostility = Hostility(**switches)
        await peer_of(opened, turns=[Wait(9_000)], hostility=hostility).run()
        async with asyncio.timeout(5):
            await opened.sessions[0].done
        assert opened.told.end.cause is cause
        assert len(opened.errands.ends) == 1


@pytest.mark.parametrize(
    "manners",
    [Manners(handshake_status=429), Manners(output_format="audio/pcm"), Manners(close_after=5)],
    ids=["refused", "wrong format", "closed"],
)
async def test_a_model_that_fails_is_apologised_for_and_the_line_closed(manners: Manners) -> None:
    async with room(Script(manners=manners)) as opened:
        outcome = await peer_of(opened, turns=[Wait(20_000)]).run()
        await opened.sessions[0].done
        assert outcome.heard_ms > 1_000
        assert outcome.close_code == 1000
        assert len(opened.told.facts(ModelLost)) == 1
        assert opened.told.end.cause is Cause.MODEL_FAILED


async def test_the_browser_phone_hears_the_agent_and_is_told_goodbye() -> None:
    book: dict[str, Any] = {"channel": Channel.BROWSER, "carrier_account": ""}
    async with room(Script(), **book) as opened:
        async with connect(opened.url, compression=None) as socket:
            await socket.send(json.dumps({"type": "start", "rate": 8000}))
            talking = asyncio.create_task(_microphone(socket))
            audio, texts = await _listen(socket, 600)
            opened.sessions[0].hang_up("operator")
            with contextlib.suppress(ConnectionClosed):
                async for message in socket:
                    if isinstance(message, str):
                        texts.append(json.loads(message))
            talking.cancel()
        await opened.sessions[0].done
    assert len(audio) >= 600 * 8
    assert {"type": "bye", "cause": "operator_hangup"} in texts
    assert any(each["type"] == "mark" for each in texts)
    assert opened.told.end.cause is Cause.OPERATOR_HANGUP


async def _microphone(socket: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await socket.send(b"\xff" * 160)
            await asyncio.sleep(0.02)


async def _listen(socket: ClientConnection, ms: int) -> tuple[bytes, list[dict[str, Any]]]:
    audio, texts = b"", []
    async for message in socket:
        if isinstance(message, bytes):
            audio += message
        else:
            texts.append(json.loads(message))
        if len(audio) >= ms * 8:
            break
    return audio, texts
