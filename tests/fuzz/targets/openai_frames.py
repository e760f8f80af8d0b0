"""A session with a model in the OpenAI dialect: a line is an event of the server, or, after `!`,
a wish of the call (say, reply, cancel, truncate, answer).

Whatever comes, it is told as inputs of the call, and what is sent is JSON of bounded size.
"""

import json

from tests.contract.models.suite import Sink, context
from tests.fuzz.target import Target
from workers.media.core import inputs
from workers.media.models.openai.conversation import Conversation


def check(data: bytes) -> None:
    sink, sent = Sink(), list[bytes]()
    talk = Conversation(context().rulebook, sink, sent.append, model="m", transcription="t")
    for line in data.split(b"\n"):
        if line[:1] == b"!":
            wish(talk, line[1:].decode("utf-8", "replace"))
        else:
            talk.arrived(line)
    assert all(isinstance(each, inputs.Input) for each in sink.happened)
    assert all(isinstance(each, str) and ulaw for _, each, ulaw in sink.audio)
    for _, quantity, _, record in sink.usage:
        assert 0 <= quantity < 2**53
        assert len(record) <= 64
        assert record.isascii()
        assert record.isprintable()
    for each in sent:
        assert json.loads(each)["type"]


def wish(talk: Conversation, text: str) -> None:
    kind, _, rest = text.partition(" ")
    match kind:
        case "say":
            talk.say(rest[:8] or "k", rest)
        case "reply":
            talk.create_reply(rest)
        case "cancel":
            talk.cancel(rest)
        case "truncate":
            talk.truncate(rest, len(data := rest.encode()) * 20 + bool(data))
        case "answer":
            talk.answer_tool(rest, {"text": rest})
        case _:
            talk.tell(rest)


_FORMATS = (
    '"audio":{"input":{"format":{"type":"audio/pcmu"}},"output":{"format":{"type":"audio/pcmu"}}}'
)
_CREATED = '{"type":"session.created"}\n'
_READY = _CREATED + '{"type":"session.updated","session":{' + _FORMATS + "}}\n"
_REPLY = (
    '{"type":"response.created","response":{"id":"r1","metadata":{"request":"reply-1"}}}\n'
    '{"type":"response.output_audio.delta","response_id":"r1","item_id":"i1","delta":"//8="}\n'
    '{"type":"response.output_audio_transcript.delta","response_id":"r1","item_id":"i1","delta":"Hi"}\n'
)
_DONE = (
    '{"type":"response.done","response":{"id":"r1","status":"completed","output":[{"type":'
    '"function_call","call_id":"c1","name":"look","arguments":"{\\"a\\":1}"}],"usage":{'
    '"input_token_details":{"text_tokens":3,"audio_tokens":2,"cached_tokens_details":{"text_tokens":1}},'
    '"output_token_details":{"text_tokens":1,"audio_tokens":9}}}}\n'
)

TARGET = Target(
    check=check,
    seeds=tuple(
        each.encode()
        for each in (
            f"{_READY}!say k hello\n{_REPLY}!truncate k\n{_DONE}!answer c1",
            f"{_READY}!reply be kind\n{_REPLY}!cancel r1\n{_DONE}",
            f'{_READY}{{"type":"error","error":{{"type":"x","code":"insufficient_quota"}}}}',
            f'{_READY}!say k a\n{{"type":"error","error":{{"event_id":"reply-1","code":'
            '"conversation_already_has_active_response"}}',
            '{"type":"conversation.item.input_audio_transcription.completed","item_id":"i2",'
            '"transcript":" hello ","usage":{"type":"duration","seconds":1.5}}',
            '{"type":"input_audio_buffer.speech_started","item_id":"i3"}',
        )
    ),
    tokens=('{"type":"', "response.output_audio.delta", "response.done", '"status_details":',
            '"usage":', '"cached_tokens_details":', "\\u0000", "1e308", "9999999999999999999"),
)  # fmt: skip
