"""The carrier of the command line: signed webhooks, frames on time, and the verbs that follow."""

import asyncio
import base64
import gc
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from websockets.asyncio.server import ServerConnection, serve

from callfunnel.carrier.caller import Manners, Speak
from callfunnel.carrier.signature import is_signed, signature
from callfunnel.cli.carrier import Account, Carrier, Outcome
from callfunnel.domain.errors import UserError

SECRET = "carrier-token"
PUBLIC = "https://phone.example.com"
VOICE = b"\x22"
MANNERS = Manners(answer_after=60, patience=100, hangup_after=200, longest=5_000)
Agent = Callable[[ServerConnection], Awaitable[None]]


class Platform:
    """Stands in for the gateway: answers webhooks with fixed TwiML, agents on a real socket."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.webhooks: list[tuple[str, dict[str, str]]] = []
        self.frames: list[dict[str, Any]] = []
        self.answers: dict[str, str] = {}
        self.signatures: list[bool] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        form = dict(parse_qsl(request.content.decode()))
        path = request.url.path
        self.webhooks.append((path, form))
        fields = {name: [value] for name, value in form.items()}
        given = request.headers["X-Twilio-Signature"]
        self.signatures.append(is_signed(SECRET, PUBLIC + path, given, fields))
        return httpx.Response(200, text=f"<Response>{self.answers.get(path, '')}</Response>")

    async def socket(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        given = connection.request.headers["X-Twilio-Signature"]
        url = "wss://phone.example.com" + connection.request.path
        self.signatures.append(given == signature(SECRET, url))
        await self.agent(connection)


@asynccontextmanager
async def carrier_of(platform: Platform) -> AsyncIterator[Carrier]:
    async with serve(platform.socket, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        account = Account(f"http://127.0.0.1:{port}", PUBLIC, "AC1", SECRET)
        async with httpx.AsyncClient(transport=httpx.MockTransport(platform.answer)) as http:
            yield Carrier(account, lambda call: None, http)


async def talk(platform: Platform, said: bytes = VOICE * 320) -> Outcome:
    async with carrier_of(platform) as carrier:
        return await carrier.place(("+15550109999", "+15550100001"), [Speak(said)], MANNERS)


def streaming(platform: Platform, after: str = "") -> Platform:
    platform.answers["/carriers/twilio/voice"] = (
        '<Connect><Stream url="wss://phone.example.com/media/media-1/abc">'
        f'<Parameter name="call" value="c_1"/></Stream></Connect>{after}'
    )
    return platform


def media(stream: str, audio: bytes) -> str:
    payload = base64.b64encode(audio).decode()
    return json.dumps({"event": "media", "streamSid": stream, "media": {"payload": payload}})


async def greeting(connection: ServerConnection, platform: Platform) -> str:
    """Reads to the start, then greets; returns the stream's id."""
    for _ in range(2):
        platform.frames.append(json.loads(await connection.recv()))
    stream: str = platform.frames[1]["streamSid"]
    await connection.send(media(stream, VOICE * 1_600))
    await connection.send(
        json.dumps({"event": "mark", "streamSid": stream, "mark": {"name": "greeted"}})
    )
    return stream


async def test_a_whole_call_is_signed_heard_and_ended_by_the_caller() -> None:
    async def agent(connection: ServerConnection) -> None:
        await greeting(connection, platform)
        async for message in connection:
            platform.frames.append(json.loads(message))

    platform = streaming(Platform(agent))
    outcome = await talk(platform)
    events = [frame["event"] for frame in platform.frames]
    assert (outcome.ended_by, outcome.call, outcome.complaints) == ("caller", "c_1", [])
    assert events[:2] == ["connected", "start"]
    assert events[-1] == "stop"
    assert outcome.heard.startswith(VOICE * 1_600)
    assert all(platform.signatures)
    assert platform.webhooks[-1][1]["CallStatus"] == "completed"


async def test_the_mark_comes_back_when_the_greeting_was_heard() -> None:
    async def agent(connection: ServerConnection) -> None:
        await greeting(connection, platform)
        async for message in connection:
            platform.frames.append(json.loads(message))

    platform = streaming(Platform(agent))
    await talk(platform)
    events = [frame["event"] for frame in platform.frames]
    frames_before = events[: events.index("mark")].count("media")
    assert 8 <= frames_before <= 12  # 200 ms of greeting


async def test_the_carrier_asks_what_is_next_when_the_agent_hangs_up() -> None:
    async def agent(connection: ServerConnection) -> None:
        await greeting(connection, platform)
        await connection.recv()

    platform = streaming(Platform(agent), f"<Redirect>{PUBLIC}/carriers/twilio/next</Redirect>")
    platform.answers["/carriers/twilio/next"] = "<Dial>+15550107777</Dial>"
    outcome = await talk(platform)
    assert (outcome.ended_by, outcome.transferred_to) == ("agent", "+15550107777")
    assert [path for path, _ in platform.webhooks] == [
        "/carriers/twilio/voice",
        "/carriers/twilio/next",
        "/carriers/twilio/status",
    ]


async def test_a_refused_caller_hears_the_sentence() -> None:
    async def nobody(connection: ServerConnection) -> None:
        raise AssertionError("no socket is opened")

    platform = Platform(nobody)
    platform.answers["/carriers/twilio/voice"] = "<Say>All lines are busy.</Say><Hangup/>"
    outcome = await talk(platform)
    assert (outcome.ended_by, outcome.said) == ("refused", ["All lines are busy."])
    assert not outcome.connected


async def test_what_no_carrier_accepts_is_complained_about() -> None:
    async def agent(connection: ServerConnection) -> None:
        await greeting(connection, platform)
        await connection.send(b"\x00\x01")
        async for _ in connection:
            await asyncio.sleep(0)

    platform = streaming(Platform(agent))
    outcome = await talk(platform)
    assert outcome.complaints == ["error 31950: a binary frame"]


async def test_redirects_without_end_are_a_failure() -> None:
    async def nobody(connection: ServerConnection) -> None:
        raise AssertionError("no socket is opened")

    platform = Platform(nobody)
    for path in ("/carriers/twilio/voice", "/again"):
        platform.answers[path] = f"<Redirect>{PUBLIC}/again</Redirect>"
    outcome = await talk(platform)
    assert (outcome.ended_by, outcome.detail) == (
        "failed",
        "the answer is not TwiML: redirects without end",
    )


async def test_a_refused_signature_is_the_users_mistake() -> None:
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(lambda request: httpx.Response(403))
    ) as http:
        carrier = Carrier(Account("http://h", PUBLIC, "AC1", "wrong"), lambda call: None, http)
        with pytest.raises(UserError, match="signature"):
            await carrier.place(("+1", "+2"), [], MANNERS)


async def test_a_socket_that_breaks_off_is_a_complaint_and_no_error_of_the_program() -> None:
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))

    async def agent(connection: ServerConnection) -> None:
        await greeting(connection, platform)
        connection.transport.abort()

    platform = streaming(Platform(agent))
    outcome = await talk(platform)
    gc.collect()
    assert outcome.complaints == ["the media socket failed: no close frame received or sent"]
    assert unhandled == []
