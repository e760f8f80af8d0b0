"""One session's conversation: which reply is active, which is asked for, which tools are open.

Pure: bytes and wishes in, calls of `send` and of the sink out, no clock and no socket. It keeps
three rules that the server does not: at most one reply is asked for at a time; each tool call is
answered once; what arrives of a cancelled reply is dropped.
"""

import binascii
from collections.abc import Callable
from typing import Any, Final

import msgspec

from callfunnel.domain.rulebook import Rulebook
from workers.media.core import inputs
from workers.media.models.line import ModelSink
from workers.media.models.openai import usage, wire
from workers.media.models.openai.replies import LONGEST_TEXT, Create, Replies, Reply

PROVIDER: Final = "openai"
FATAL: Final = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "invalid_api_key",
        "account_deactivated",
        "billing_hard_limit_reached",
        "session_expired",
    }
)
"""Codes or types after which the session is of no use."""
_LONGEST_ARGUMENTS: Final = 64 * 1024
_MOST_TOOLS: Final = 16
"""Tools of one reply: more is a model gone wild."""
BUSY: Final = "conversation_already_has_active_response"


class Conversation:
    """Everything about a session but its socket."""

    def __init__(
        self,
        rulebook: Rulebook,
        sink: ModelSink,
        send: Callable[[bytes], None],
        *,
        model: str,
        transcription: str,
    ) -> None:
        self._rulebook = rulebook
        self._sink = sink
        self._send = send
        self._model = model
        self._transcription = transcription
        self._ready = False
        self._failed = False
        self._open_tools: set[str] = set()
        self.replies = Replies()
        self.ignored_errors = 0

    @property
    def ready(self) -> bool:
        """Whether the session is up and may be fed with audio."""
        return self._ready and not self._failed

    @property
    def speaks(self) -> bool:
        """Whether a reply is under way whose usage is still to come."""
        return self.replies.active

    def fail(self, reason: str) -> None:
        """The session is over; told once."""
        if not self._failed:
            self._failed = True
            self._sink.on_model(inputs.ModelFailed(reason))

    def let_go(self) -> None:
        """There is no socket any more to send through: it is not held on to."""
        self._send = _nowhere

    def arrived(self, data: bytes) -> None:
        """One message of the server. Never raises."""
        try:
            event = wire.read(data)
        except (ValueError, RecursionError):  # msgspec's decode errors are ValueErrors
            self._sink.on_model(inputs.BadFrame("model", "unreadable event"))
            return
        if event is not None and not self._failed:
            self._route(*event)

    def say(self, key: str, text: str) -> None:
        """Has `text` spoken in the model's own voice, apart from the history it answers to."""
        words = f'Say exactly this to the caller, word for word, and nothing else: "{text}"'
        fields = {"instructions": words, "input": [], "tools": [], "tool_choice": "none"}
        self._want(Create(key, fields))

    def create_reply(self, instructions: str) -> None:
        """Has the model answer to where the conversation stands."""
        fields: dict[str, Any] = {}
        if instructions:
            fields["instructions"] = f"{wire.instructions(self._rulebook)}\n{instructions}"
        self._want(Create("", fields))

    def cancel(self, response: str) -> None:
        """Ends a reply wherever it is: wished for, asked for or active."""
        match self.replies.cancel(response):
            case Reply(id=response_id):
                self._send(wire.cancel(response_id))
            case Create(key=key):
                self._sink.on_model(inputs.ReplyDone(key, "cancelled"))

    def truncate(self, item: str, heard_ms: int) -> None:
        """Cuts an item to what was heard, never beyond what was generated."""
        found = self.replies.generated(item)
        if found is None:
            return
        item_id, samples = found
        end_ms = min(heard_ms, samples // 8)
        self._send(wire.truncate(item_id, end_ms) if end_ms else wire.delete(item_id))

    def answer_tool(self, model_call: str, output: dict[str, Any]) -> None:
        """One result; whoever gave the last one asks for the reply."""
        if model_call in self._open_tools:
            self._open_tools.discard(model_call)
            self._send(wire.tool_output(model_call, output))

    def tell(self, text: str) -> None:
        """A note in the history."""
        self._send(wire.note(text))

    def _route(self, kind: str, event: Any) -> None:
        match kind:
            case "response.output_audio.delta":
                self._audio(event)
            case "response.output_audio_transcript.delta":
                self._text(event)
            case "response.created":
                self._created(event.response)
            case "response.done":
                self._done(event.response)
            case "conversation.item.input_audio_transcription.completed":
                self._transcribed(event)
            case "input_audio_buffer.speech_started":
                self._sink.on_model(inputs.ModelSpeechStarted(event.item_id))
            case "input_audio_buffer.speech_stopped":
                self._sink.on_model(inputs.ModelSpeechEnded(event.item_id))
            case "error":
                self._error(event.error)
            case _:
                self._session(kind, event)

    def _session(self, kind: str, event: Any) -> None:
        if kind == "session.created":
            self._send(wire.session_update(self._rulebook, self._transcription, "session"))
            return
        audio = event.session.audio
        if {audio.input.format.type, audio.output.format.type} != {wire.AUDIO}:
            self.fail("wrong audio format")
        elif not self._ready:
            self._ready = True
            self._sink.on_model(inputs.ModelReady(PROVIDER, event.session.model or self._model))
            self._pump()

    def _audio(self, delta: wire.Delta) -> None:
        reply = self.replies.speaking(delta.response_id)
        if reply is None:
            return
        try:
            ulaw = binascii.a2b_base64(delta.delta)
        except binascii.Error:
            self._sink.on_model(inputs.BadFrame("model", "audio is no base64"))
            return
        if ulaw and reply.has_room(delta.item_id):
            item = reply.grow(delta.item_id, len(ulaw))
            self._sink.on_model_audio(reply.name, item, ulaw)

    def _text(self, delta: wire.Delta) -> None:
        reply = self.replies.speaking(delta.response_id)
        if reply is not None and reply.has_room(delta.item_id):
            item, text = reply.say(delta.item_id, delta.delta)
            self._sink.on_model(inputs.ReplyText(item, text))

    def _created(self, response: wire.Response) -> None:
        reply = self.replies.created(response.id, (response.metadata or {}).get("request", ""))
        if reply.cancelled:
            self._send(wire.cancel(reply.id))
        self._sink.on_model(inputs.ReplyStarted(reply.name))

    def _done(self, response: wire.Response) -> None:
        for meter, quantity, unit in usage.of_response(response.usage) if response.usage else ():
            self._sink.on_usage(meter, quantity, unit, usage.record_of(response.id))
        reply = self.replies.done(response.id)
        if reply is not None:
            if response.status == "completed" and not reply.cancelled:
                self._tools(response)
            self._sink.on_model(inputs.ReplyDone(reply.name, response.status or "completed"))
        code = _failure(response)
        if code in FATAL:
            self.fail(code)
        self._pump()

    def _tools(self, response: wire.Response) -> None:
        """A call counts only once its response is complete: a cancelled one must not act."""
        calls = [each for each in response.output if each.type == "function_call"][:_MOST_TOOLS]
        self._open_tools.update(each.call_id for each in calls)
        for call in calls:
            wanted = inputs.ToolRequested(call.call_id, call.name, _arguments(call.arguments))
            self._sink.on_model(wanted)

    def _transcribed(self, event: wire.Transcribed) -> None:
        if event.usage is not None:
            for meter, quantity, unit in usage.of_transcription(event.usage):
                self._sink.on_usage(meter, quantity, unit, usage.record_of(event.item_id))
        self._sink.on_model(
            inputs.CallerTranscript(event.item_id, event.transcript[:LONGEST_TEXT].strip())
        )

    def _error(self, error: wire.Error) -> None:
        codes = {error.code, error.type} & FATAL
        asked = self.replies.refused(error.event_id or "", again=error.code == BUSY)
        if codes:
            self.fail(min(str(code) for code in codes))
        elif error.event_id == "session":
            self.fail("session refused")
        elif asked is not None:
            self._sink.on_model(inputs.ReplyDone(asked.key, "failed"))
        else:
            self.ignored_errors += 1
        self._pump()

    def _want(self, create: Create) -> None:
        self.replies.want(create)
        self._pump()

    def _pump(self) -> None:
        """Asks for the next reply once none is active or asked for."""
        if self.ready and (request := self.replies.next_request()) is not None:
            self._send(wire.create(*request))


def _nowhere(_message: bytes) -> None:
    """Takes what nobody will get."""


def _arguments(text: str) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(text[:_LONGEST_ARGUMENTS], type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return None


def _failure(response: wire.Response) -> str:
    details = response.status_details
    error = details.error if details else None
    codes = {error.code, error.type} & FATAL if error else set()
    return min((str(code) for code in codes), default="")
