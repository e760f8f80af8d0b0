"""OpenAI Realtime on the wire, GA shapes: what is sent, and what is read of what arrives.

Event types that are not in `READS` are ignored, whatever they hold. An event that is read must
have the fields named here; anything else about it is ignored.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec

from callfunnel.domain.rulebook import Rulebook, Tool

AUDIO: Final = "audio/pcmu"
"""G.711 u-law at 8 kHz both ways: payloads pass through as they are, nothing is resampled."""

_encode = msgspec.json.Encoder().encode
_APPEND = b'{"type":"input_audio_buffer.append","audio":"'


Tokens = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
"""How many were used: more is no count but a mistake, which must not become a bill."""


class Format(msgspec.Struct, frozen=True):
    """An audio format as the session echoes it."""

    type: str = ""


class Side(msgspec.Struct, frozen=True):
    """One direction of the session's audio."""

    format: Format = Format()


class Audio(msgspec.Struct, frozen=True):
    """Both directions."""

    input: Side = Side()
    output: Side = Side()


class Session(msgspec.Struct, frozen=True):
    """The part of a session that must be as asked."""

    audio: Audio = Audio()
    model: str = ""


class Cached(msgspec.Struct, frozen=True):
    """Tokens read from the cache, by kind."""

    text_tokens: Tokens = 0
    audio_tokens: Tokens = 0


class Details(msgspec.Struct, frozen=True):
    """Tokens by kind; the cached ones are a subset of them."""

    text_tokens: Tokens | None = 0
    audio_tokens: Tokens | None = 0
    cached_tokens_details: Cached | None = None


class Usage(msgspec.Struct, frozen=True):
    """What a response or a transcription cost. `type` and `seconds`: transcriptions only."""

    type: str = "tokens"
    seconds: Annotated[float, msgspec.Meta(ge=0, le=100_000)] = 0.0
    input_token_details: Details | None = None
    output_token_details: Details | None = None
    output_tokens: Tokens | None = 0


class Output(msgspec.Struct, frozen=True):
    """An item of a response."""

    id: str = ""
    type: str = ""
    status: str = ""
    call_id: str = ""
    name: str = ""
    arguments: str = ""


class StatusError(msgspec.Struct, frozen=True):
    """Why a response failed."""

    type: str | None = None
    code: str | None = None


class StatusDetails(msgspec.Struct, frozen=True):
    """More about how a response ended."""

    reason: str | None = None
    error: StatusError | None = None


class Response(msgspec.Struct, frozen=True):
    """A reply of the model."""

    id: str
    status: str = ""
    status_details: StatusDetails | None = None
    metadata: dict[str, str] | None = None
    output: list[Output] = []
    usage: Usage | None = None


class Error(msgspec.Struct, frozen=True):
    """Something went wrong; mostly the session goes on."""

    type: str | None = None
    code: str | None = None
    event_id: str | None = None


class SessionUpdated(msgspec.Struct, frozen=True):
    """The session is as it says now."""

    session: Session


class ResponseEvent(msgspec.Struct, frozen=True):
    """`response.created` and `response.done`."""

    response: Response


class Delta(msgspec.Struct, frozen=True):
    """A piece of audio (base64) or of its transcript."""

    response_id: str
    item_id: str
    delta: str


class Transcribed(msgspec.Struct, frozen=True):
    """What the caller said in one turn; asynchronous, in any order."""

    item_id: str
    transcript: str
    usage: Usage | None = None


class ErrorEvent(msgspec.Struct, frozen=True):
    """The session's own complaint."""

    error: Error


class Spoken(msgspec.Struct, frozen=True):
    """The caller begins or stops to speak, as the server's own VAD hears it."""

    item_id: str = ""


class Bare(msgspec.Struct, frozen=True):
    """An event whose arrival says it all."""

    type: str


READS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "session.created": Bare,
    "session.updated": SessionUpdated,
    "input_audio_buffer.speech_started": Spoken,
    "input_audio_buffer.speech_stopped": Spoken,
    "conversation.item.input_audio_transcription.completed": Transcribed,
    "response.created": ResponseEvent,
    "response.output_audio.delta": Delta,
    "response.output_audio_transcript.delta": Delta,
    "response.done": ResponseEvent,
    "error": ErrorEvent,
}
_DECODERS: Final[Mapping[str, msgspec.json.Decoder[Any]]] = {
    name: msgspec.json.Decoder(cls) for name, cls in READS.items()
}
_TYPE: Final = msgspec.json.Decoder(Bare)
_AUDIO_DELTA = b'"response.output_audio.delta"'


def read(data: bytes) -> tuple[str, Any] | None:
    """Type and content of an event; None for one to ignore. Raises ValueError if unreadable."""
    if _AUDIO_DELTA in data[:160]:
        return "response.output_audio.delta", _DECODERS["response.output_audio.delta"].decode(data)
    kind = _TYPE.decode(data).type
    decoder = _DECODERS.get(kind)
    return None if decoder is None else (kind, decoder.decode(data))


def append(payload: bytes) -> bytes:
    """20 ms of the caller; `payload` is strict base64 and needs no escaping."""
    return _APPEND + payload + b'"}'


def session_update(rulebook: Rulebook, transcription: str, event_id: str) -> bytes:
    """The whole session, always with its audio: a partial update may reset the formats."""
    persona = rulebook.persona
    session = {
        "type": "realtime",
        "instructions": instructions(rulebook),
        "output_modalities": ["audio"],
        "audio": {
            "input": {
                "format": {"type": AUDIO},
                "transcription": {"model": transcription, "language": persona.language},
                "turn_detection": {
                    "type": "server_vad",
                    "silence_duration_ms": max(200, rulebook.endpointing.min_ms),
                    "create_response": True,
                    "interrupt_response": False,
                },
            },
            "output": {"format": {"type": AUDIO}, "voice": persona.voice or "marin"},
        },
        "tools": [_tool(tool) for tool in rulebook.tools],
        "tool_choice": "auto",
    }
    return _encode({"type": "session.update", "event_id": event_id, "session": session})


def instructions(rulebook: Rulebook) -> str:
    """What the model is told about itself."""
    persona = rulebook.persona
    return (
        f"You are {persona.name}, who answers the telephone for {persona.company}. Speak "
        f"{persona.language}, in short spoken sentences.\n{persona.instructions}"
    ).strip()


def create(event_id: str, fields: Mapping[str, Any]) -> bytes:
    """Asks for a response; its `metadata.request` names the asking event."""
    body = {"metadata": {"request": event_id}, **fields}
    return _encode({"type": "response.create", "event_id": event_id, "response": body})


def cancel(response_id: str) -> bytes:
    """Ends an active response."""
    return _encode({"type": "response.cancel", "response_id": response_id})


def truncate(item_id: str, audio_end_ms: int) -> bytes:
    """Cuts an assistant's item to what was played."""
    body = {"item_id": item_id, "content_index": 0, "audio_end_ms": audio_end_ms}
    return _encode({"type": "conversation.item.truncate", **body})


def delete(item_id: str) -> bytes:
    """Removes an item of which nothing was played."""
    return _encode({"type": "conversation.item.delete", "item_id": item_id})


def tool_output(call_id: str, output: Mapping[str, Any]) -> bytes:
    """The result of one tool call."""
    text = msgspec.json.encode(output).decode()
    item = {"type": "function_call_output", "call_id": call_id, "output": text}
    return _encode({"type": "conversation.item.create", "item": item})


def note(text: str) -> bytes:
    """A system message in the history."""
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "system", "content": content}
    return _encode({"type": "conversation.item.create", "item": item})


def _tool(tool: Tool) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
