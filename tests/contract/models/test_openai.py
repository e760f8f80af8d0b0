"""OpenAI Realtime: the common suite, and what only this protocol can get wrong."""

import base64
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator

import pytest

from tests.contract.models.suite import FRAME, PAYLOAD, ModelSuite, Sink, Studio, context
from tests.simulators.openai_realtime import Manners, Script, ToolCall, Turn
from tests.simulators.openai_server import FakeModel, serve_model
from tests.simulators.sounds import tone
from tests.simulators.waiting import until
from workers.media.core import inputs
from workers.media.models.openai.line import openai_lines


@contextlib.asynccontextmanager
async def opened(script: Script) -> AsyncIterator[tuple[Studio, FakeModel]]:
    async with serve_model(script) as model:
        sink = Sink()
        lines = openai_lines(model.base_url, "sk-test", "gpt-realtime-test", "gpt-transcribe")
        yield Studio(lines(context(), sink), sink), model


def speak(studio: Studio, ms: int = 600) -> None:
    """The caller speaks, then is silent long enough for the server's VAD."""
    ulaw = tone(ms, 400) + b"\xff" * (8 * 700)
    for at in range(0, len(ulaw), 160):
        frame = ulaw[at : at + 160]
        studio.line.append(base64.b64encode(frame), frame)


class TestOpenAI(ModelSuite):
    @contextlib.asynccontextmanager
    async def studio(self) -> AsyncIterator[Studio]:
        async with opened(Script(manners=Manners(speed=20))) as (studio, _):
            yield studio


async def test_the_key_and_the_model_go_where_the_sdk_puts_them() -> None:
    async with opened(Script()) as (studio, model):
        await studio.ready()
        assert model.paths == ["/v1/realtime?model=gpt-realtime-test"]
        assert model.headers[0]["Authorization"] == "Bearer sk-test"
        assert "OpenAI-Beta" not in model.headers[0]
        await studio.line.close()


async def test_no_audio_is_sent_before_the_session_is_as_asked() -> None:
    async with opened(Script(manners=Manners(silent=True))) as (studio, model):
        await studio.line.open(2)
        studio.line.append(PAYLOAD, FRAME)
        studio.line.say("greeting", "Hello.")
        await until(lambda: bool(model.sessions), "connected")
        assert model.sessions[0].appended == 0
        assert model.sessions[0].received == []
        await studio.line.close()


async def test_the_whole_audio_object_is_sent_with_the_session() -> None:
    async with opened(Script()) as (studio, model):
        await studio.ready()
        (update,) = model.sessions[0].received
        audio = update["session"]["audio"]
        assert audio["input"]["format"] == audio["output"]["format"] == {"type": "audio/pcmu"}
        assert audio["input"]["turn_detection"]["interrupt_response"] is False
        assert update["session"]["type"] == "realtime"
        await studio.line.close()


async def test_a_turn_of_the_caller_is_heard_answered_and_metered() -> None:
    script = Script(deque([Turn(text="It went up.", heard="Why?")]), Manners(speed=50))
    async with opened(script) as (studio, _):
        await studio.ready()
        speak(studio)
        await until(lambda: bool(studio.sink.of(inputs.ReplyDone)), "the reply")
        (started,) = studio.sink.of(inputs.ModelSpeechStarted)
        (text,) = studio.sink.of(inputs.CallerTranscript)
        assert (text.text, text.item) == ("Why?", started.item)
        assert studio.sink.of(inputs.ReplyText)[-1].text.strip() == "It went up."
        meters = {meter: quantity for meter, quantity, _, _ in studio.sink.usage}
        assert meters == {
            "transcription.ms": 1500,
            "tokens.text.in": 40,
            "tokens.audio.in": 30,
            "tokens.text.in_cached": 20,
            "tokens.audio.in_cached": 10,
            "tokens.text.out": 10,
            "tokens.audio.out": 40,
        }
        await studio.line.close()


async def test_tools_are_asked_for_before_the_reply_is_done_and_answered_once() -> None:
    calls = [ToolCall("find_customer", {"name": "Ann"}), ToolCall("find_bill", "[1]")]
    script = Script(deque([Turn(tools=calls)]), Manners(speed=50))
    async with opened(script) as (studio, model):
        await studio.ready()
        speak(studio)
        await until(lambda: bool(studio.sink.of(inputs.ReplyDone)), "the reply")
        asked = studio.sink.of(inputs.ToolRequested)
        assert [(each.name, each.arguments) for each in asked] == [
            ("find_customer", {"name": "Ann"}),
            ("find_bill", None),
        ]
        assert studio.sink.order.index("ToolRequested") < studio.sink.order.index("ReplyDone")
        for each in (*asked, *asked):
            studio.line.answer_tool(each.model_call, {"found": each.name})
        studio.line.create_reply("")
        await until(lambda: len(studio.sink.of(inputs.ReplyDone)) == 2, "the second reply")
        answers = [m for m in model.sessions[0].received if m["type"].endswith("item.create")]
        assert [json.loads(each["item"]["output"]) for each in answers] == [
            {"found": "find_customer"},
            {"found": "find_bill"},
        ]
        await studio.line.close()


async def test_wishes_while_a_reply_is_active_wait_and_come_in_order() -> None:
    async with opened(Script(manners=Manners(speed=20, busy_errors=2))) as (studio, model):
        await studio.ready()
        for key in ("a", "b", "c"):
            studio.line.say(key, "One, two, three.")
        await studio.done("c")
        assert [each.response for each in studio.sink.of(inputs.ReplyDone)] == ["a", "b", "c"]
        assert model.sessions[0].sent_types().count("response.create") == 5
        await studio.line.close()


async def test_a_sentence_not_yet_asked_for_is_cancelled_without_a_word_to_the_server() -> None:
    async with opened(Script(manners=Manners(speed=20))) as (studio, model):
        await studio.ready()
        studio.line.say("a", "One, two, three.")
        studio.line.say("b", "Never heard.")
        studio.line.cancel("b")
        assert await studio.done("b") == "cancelled"
        await studio.done("a")
        assert "response.cancel" not in model.sessions[0].sent_types()
        await studio.line.close()


async def test_truncation_stays_within_what_was_generated_and_nothing_heard_is_deleted() -> None:
    async with opened(Script(manners=Manners(speed=50))) as (studio, model):
        await studio.ready()
        studio.line.say("a", "Short one.")
        studio.line.say("b", "Unheard.")
        await studio.done("b")
        session = model.sessions[0]
        studio.line.truncate("a", 99_999)
        studio.line.truncate("b", 0)
        await until(lambda: len(session.truncated) == 2, "both are cut")
        (first, end), (second, nothing) = session.truncated
        assert end == session.generated[first]
        assert nothing == 0
        assert "conversation.item.delete" in session.sent_types()
        assert second != first
        await studio.line.close()


@pytest.mark.parametrize(
    ("manners", "reason"),
    [
        (Manners(handshake_status=401), "refused with status 401"),
        (Manners(handshake_status=429), "refused with status 429"),
        (Manners(output_format="audio/pcm"), "wrong audio format"),
        (Manners(refuse_session="invalid_value"), "session refused"),
        (Manners(refuse_session="invalid_api_key"), "invalid_api_key"),
        (Manners(close_after=3), "closed by the provider"),
        (Manners(close_after=3, close_code=1001), "session_expired"),
    ],
)
async def test_a_session_that_cannot_be_used_is_told_once(manners: Manners, reason: str) -> None:
    async with opened(Script(manners=manners)) as (studio, _):
        await studio.line.open(5)

        def over() -> bool:
            studio.line.append(PAYLOAD, FRAME)
            return bool(studio.sink.of(inputs.ModelFailed))

        await until(over, "it fails")
        await studio.line.close()
        assert [each.reason for each in studio.sink.of(inputs.ModelFailed)] == [reason]


async def test_a_server_that_cannot_be_reached_is_told_once() -> None:
    sink = Sink()
    lines = openai_lines("http://127.0.0.1:9/v1", "sk-test", "m", "t")
    line = lines(context(), sink)
    await line.open(2)
    assert [each.reason for each in sink.of(inputs.ModelFailed)] == ["not reachable"]
    await line.close()


async def test_garbage_is_a_bad_frame_and_the_session_goes_on() -> None:
    async with opened(Script(manners=Manners(garbage_after=1, speed=50))) as (studio, _):
        await studio.ready()
        studio.line.append(PAYLOAD, FRAME)
        await until(lambda: bool(studio.sink.of(inputs.BadFrame)), "it is noticed")
        studio.line.say("a", "Still here.")
        assert await studio.done("a") == "completed"
        await studio.line.close()


async def test_a_reply_that_fails_for_good_ends_the_session() -> None:
    manners = Manners(fail_reply="insufficient_quota")
    async with opened(Script(manners=manners)) as (studio, _):
        await studio.ready()
        studio.line.say("a", "Hello.")
        assert await studio.done("a") == "failed"
        (failed,) = studio.sink.of(inputs.ModelFailed)
        assert failed.reason == "insufficient_quota"
        await studio.line.close()


async def test_a_reply_that_fails_for_now_does_not_end_the_session() -> None:
    manners = Manners(fail_reply="rate_limit_exceeded")
    async with opened(Script(manners=manners)) as (studio, _):
        await studio.ready()
        studio.line.say("a", "Hello.")
        assert await studio.done("a") == "failed"
        assert studio.sink.of(inputs.ModelFailed) == []
        await studio.line.close()
