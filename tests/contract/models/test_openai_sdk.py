"""The fake model and our messages, held against the provider's own package."""

import asyncio
import base64
import json
from collections import deque
from typing import Any

from openai import AsyncOpenAI
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import TypeAdapter

from tests.contract.models.suite import Sink, context
from tests.simulators import virtual_time
from tests.simulators.openai_realtime import FakeSession, Manners, Script, ToolCall, Turn
from tests.simulators.openai_server import serve_model
from tests.simulators.sounds import tone
from workers.media.models.openai import wire
from workers.media.models.openai.address import realtime_url
from workers.media.models.openai.conversation import Conversation

SERVER: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
CLIENT: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)
TOOL = {
    "name": "find_customer",
    "kind": "customer_lookup",
    "description": "Finds a customer.",
    "parameters": {"type": "object", "properties": {"name": {"type": "string"}}},
}


async def test_the_packages_own_client_talks_with_the_fake() -> None:
    script = Script(deque([Turn(text="It went up.", heard="Why?")]), Manners(speed=50))
    async with serve_model(script) as model:
        base = model.base_url.replace("http", "ws")
        client = AsyncOpenAI(api_key="sk-test", websocket_base_url=base)
        seen: list[str] = []
        heard = b""
        async with client.realtime.connect(model="gpt-realtime-test") as connection:
            assert model.paths == ["/v1/realtime?model=gpt-realtime-test"]
            audio = {"format": {"type": "audio/pcmu"}}
            await connection.session.update(
                session={"type": "realtime", "audio": {"input": audio, "output": audio}}  # type: ignore[typeddict-item]
            )
            spoken = tone(600, 400) + b"\xff" * 6000
            await _append(connection, spoken)
            async for event in connection:
                seen.append(event.type)
                if event.type == "response.output_audio.delta":
                    heard += base64.b64decode(event.delta)
                if event.type == "response.done":
                    assert event.response.usage is not None
                    break
        await client.close()
    assert seen[:2] == ["session.created", "session.updated"]
    assert "conversation.item.input_audio_transcription.completed" in seen
    assert len(heard) > 2000


async def _append(connection: Any, ulaw: bytes) -> None:
    for at in range(0, len(ulaw), 160):
        frame = base64.b64encode(ulaw[at : at + 160]).decode()
        await connection.input_audio_buffer.append(audio=frame)


async def _played() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What both sides of a busy session sent: with tools, a cut, errors and a cancelled reply."""
    calls = [ToolCall("find_customer", {"name": "Ann"})]
    turns = deque([Turn(tools=calls, heard="Ann."), Turn(text="Found you. " * 5)])
    script = Script(turns, Manners(speed=50, busy_errors=1, unknown_events=False))
    from_server: list[dict[str, Any]] = []
    from_client: list[dict[str, Any]] = []
    sink = Sink()

    def to_client(text: str) -> None:
        from_server.append(json.loads(text))
        talk.arrived(text.encode())

    def to_server(data: bytes) -> None:
        from_client.append(json.loads(data))
        asyncio.get_running_loop().call_soon(fake.receive, data)

    fake = FakeSession(script, to_client, lambda _code, _why: None)
    talk = Conversation(
        context(tools=[TOOL]).rulebook, sink, to_server, model="m", transcription="t"
    )
    fake.open()
    await asyncio.sleep(0)
    talk.say("greeting", "Hello.")
    talk.create_reply("Be brief.")
    talk.tell("The manager agreed.")
    await asyncio.sleep(0.3)
    for at in range(80):
        loud = tone(20, 400) if at < 30 else b"\xff" * 160
        to_server(wire.append(base64.b64encode(loud)))
    await asyncio.sleep(0.1)
    talk.answer_tool(next(iter(talk._open_tools)), {"found": True})
    talk.create_reply("")
    await asyncio.sleep(0.02)
    talk.cancel(sink.audio[-1][0])
    talk.truncate(sink.audio[-1][1], 40)
    talk.truncate("greeting", 0)
    await asyncio.sleep(0.05)
    return from_server, from_client


def test_every_event_of_the_fake_is_one_of_the_package() -> None:
    from_server, _ = virtual_time.run(_played())
    for event in from_server:
        parsed = SERVER.validate_python(event)
        assert parsed.type == event["type"]
    kinds = {event["type"] for event in from_server}
    assert {"error", "response.done", "conversation.item.added"} <= kinds


def test_every_message_of_ours_is_one_of_the_package() -> None:
    _, from_client = virtual_time.run(_played())
    kinds = {message["type"] for message in from_client}
    assert kinds == {
        "session.update",
        "input_audio_buffer.append",
        "response.create",
        "response.cancel",
        "conversation.item.create",
        "conversation.item.truncate",
        "conversation.item.delete",
    }
    for message in from_client:
        parsed = CLIENT.validate_python(message)
        back = json.loads(parsed.to_json(exclude_unset=True))
        assert back == message, message["type"]


async def test_addresses_are_those_of_the_package() -> None:
    for base in (
        "https://api.openai.com/v1",
        "http://127.0.0.1:8080/v1/",
        "https://eu.x.ai/v1?a=1",
    ):
        client = AsyncOpenAI(api_key="sk-test", base_url=base)
        manager = client.realtime.connect(model="gpt-realtime-2")
        theirs = manager._prepare_url()
        ours = realtime_url(base, "gpt-realtime-2")
        assert (
            ours.partition("://")[2].partition("?")[0]
            == str(theirs).partition("://")[2].partition("?")[0]
        )
        await client.close()
