"""A model that speaks OpenAI Realtime (GA shapes), with a script and with bad manners on request.

`FakeSession` is one session without a socket: messages in, messages out through `send`, time from
the loop. `openai_server` puts it behind a real WebSocket. What it sends is checked with the
`openai` package in tests/contract/models; so the fake itself is held to the real shapes.
"""

import asyncio
import base64
import itertools
import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.simulators.sounds import pieces, spoken
from workers.media.audio.g711 import level_db, to_linear

USAGE: Final = {
    "total_tokens": 150,
    "input_tokens": 100,
    "output_tokens": 50,
    "input_token_details": {
        "text_tokens": 60,
        "audio_tokens": 40,
        "cached_tokens": 30,
        "cached_tokens_details": {"text_tokens": 20, "audio_tokens": 10},
    },
    "output_token_details": {"text_tokens": 10, "audio_tokens": 40},
}
"""What a reply costs."""


@dataclass
class ToolCall:
    name: str
    arguments: dict[str, Any] | str


@dataclass
class Turn:
    """What the model does with a turn. `heard` is what it understood of the caller."""

    text: str = ""
    heard: str = ""
    tools: Sequence[ToolCall] = ()


@dataclass
class Manners:
    """Switches; the defaults are a well-behaved server."""

    handshake_status: int = 0
    silent: bool = False
    """Accepts the socket and never says a word."""
    refuse_session: str = ""
    """Error code in answer to session.update."""
    output_format: str = "audio/pcmu"
    stall_replies: bool = False
    """Creates responses and never fills them."""
    late_audio: int = 0
    """Deltas that still come after a cancelled response's `response.done`."""
    busy_errors: int = 0
    """Refuses that many response.create as if one were active."""
    garbage_after: int = 0
    """Sends an unreadable message after that many appends."""
    close_after: int = 0
    close_code: int = 1011
    fail_reply: str = ""
    speed: float = 4.0
    """How much faster than real time audio is made."""
    unknown_events: bool = True


@dataclass
class Script:
    """What the model says. Without turns left it echoes a stock sentence."""

    turns: deque[Turn] = field(default_factory=deque)
    manners: Manners = field(default_factory=Manners)


class FakeSession:
    """One session. `send` takes a JSON text, `close` a code and reason."""

    def __init__(
        self,
        script: Script,
        send: Callable[[str], None],
        close: Callable[[int, str], None],
        model: str = "gpt-realtime-test",
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._ids = itertools.count(1)
        self._script = script
        self._manners = script.manners
        self._send_text = send
        self._close = close
        self._model = model
        self._session: dict[str, Any] = {}
        self._active: dict[str, Any] | None = None
        self._work: asyncio.Task[None] | None = None
        self._speech_frames = self._silent_frames = 0
        self._speaking = False
        self._item = ""
        self.appended = 0
        self.received: list[dict[str, Any]] = []
        self.truncated: list[tuple[str, int]] = []
        self.generated: dict[str, int] = {}

    def open(self) -> None:
        if not self._manners.silent:
            self._send("session.created", session=self._echo())

    def receive(self, text: str | bytes) -> None:
        message = json.loads(text)
        if message["type"] != "input_audio_buffer.append":
            self.received.append(message)
        handler = getattr(self, "_on_" + message["type"].replace(".", "_"), None)
        if handler is None:
            self._error("invalid_value", message)
        else:
            handler(message)

    def stop(self) -> None:
        """The socket is gone."""
        if self._work is not None:
            self._work.cancel()

    def sent_types(self) -> list[str]:
        """The types of everything the client sent but audio."""
        return [message["type"] for message in self.received]

    def _on_session_update(self, message: dict[str, Any]) -> None:
        if self._manners.refuse_session:
            self._error(self._manners.refuse_session, message)
            return
        self._session = {**self._session, **message["session"]}
        self._send("session.updated", session=self._echo())

    def _on_input_audio_buffer_append(self, message: dict[str, Any]) -> None:
        self.appended += 1
        manners = self._manners
        if manners.garbage_after and self.appended == manners.garbage_after:
            self._send_text("{nonsense")
        if manners.close_after and self.appended == manners.close_after:
            self._close(manners.close_code, "as the test wants")
            return
        self._listen(base64.b64decode(message["audio"], validate=True))

    def _on_response_create(self, message: dict[str, Any]) -> None:
        if self._active is not None or self._manners.busy_errors > 0:
            self._manners.busy_errors -= 1
            self._error("conversation_already_has_active_response", message)
            return
        self._respond(message.get("response", {}))

    def _on_response_cancel(self, message: dict[str, Any]) -> None:
        if self._active is None:
            self._error("response_cancel_not_active", message)
            return
        if self._work is not None:
            self._work.cancel()
        response, item = self._active, self._active["item"]
        self._done(response, "cancelled", {"type": "cancelled", "reason": "client_cancelled"})
        for _ in range(self._manners.late_audio):
            self._delta(response["id"], item, b"\x10" * 800)

    def _on_conversation_item_truncate(self, message: dict[str, Any]) -> None:
        item, end = message["item_id"], message["audio_end_ms"]
        if end > self.generated.get(item, 0):
            self._error("invalid_value", message)
            return
        self.truncated.append((item, end))
        self._send("conversation.item.truncated", item_id=item, content_index=0, audio_end_ms=end)

    def _on_conversation_item_delete(self, message: dict[str, Any]) -> None:
        self.truncated.append((message["item_id"], 0))
        self._send("conversation.item.deleted", item_id=message["item_id"])

    def _on_conversation_item_create(self, message: dict[str, Any]) -> None:
        item = {"id": self._id("item"), "object": "realtime.item", **message["item"]}
        self._send("conversation.item.added", item=item)
        self._send("conversation.item.done", item=item)

    # The ear: server VAD by level, 500 ms of silence end a turn.

    def _listen(self, ulaw: bytes) -> None:
        loud = level_db(to_linear(ulaw)) > -40
        self._speech_frames = self._speech_frames + 1 if loud else 0
        self._silent_frames = 0 if loud else self._silent_frames + 1
        if not self._speaking and self._speech_frames >= 5:
            self._speaking = True
            self._item = self._id("item")
            self._send(
                "input_audio_buffer.speech_started",
                audio_start_ms=self.appended * 20,
                item_id=self._item,
            )
        elif self._speaking and self._silent_frames >= 25:
            self._speaking = False
            self._turn_over()

    def _turn_over(self) -> None:
        end = self.appended * 20
        self._send("input_audio_buffer.speech_stopped", audio_end_ms=end, item_id=self._item)
        self._send("input_audio_buffer.committed", item_id=self._item, previous_item_id=None)
        heard = self._script.turns[0].heard if self._script.turns else "something"
        self._send(
            "conversation.item.input_audio_transcription.completed",
            item_id=self._item,
            content_index=0,
            transcript=heard,
            usage={"type": "duration", "seconds": 1.5},
        )
        if self._active is None:
            self._respond({})

    # The mouth.

    def _respond(self, asked: dict[str, Any]) -> None:
        response = {
            "id": self._id("resp"),
            "metadata": asked.get("metadata"),
            "item": self._id("item"),
        }
        self._active = response
        self._send("response.created", response=self._response(response, "in_progress"))
        limits = [{"name": "tokens", "limit": 9, "remaining": 8, "reset_seconds": 0.5}]
        self._send("rate_limits.updated", rate_limits=limits)
        if self._manners.unknown_events:
            self._send("response.something_new", delta={"nested": True})
        if not self._manners.stall_replies:
            self._work = self._loop.create_task(self._speak(response, self._turn(asked)))

    def _turn(self, asked: dict[str, Any]) -> Turn:
        instructions = asked.get("instructions", "")
        if '"' in instructions:
            return Turn(text=instructions.split('"')[1])
        if self._script.turns:
            return self._script.turns.popleft()
        return Turn(text="I see. Is there anything else?")

    async def _speak(self, response: dict[str, Any], turn: Turn) -> None:
        response["turn"] = turn
        if self._manners.fail_reply:
            error = {"type": "server_error", "code": self._manners.fail_reply}
            self._done(response, "failed", {"type": "failed", "error": error})
            return
        if turn.text:
            for word, ulaw in zip(turn.text.split(), spoken(turn.text), strict=True):
                where = self._where(response["id"], response["item"])
                self._send("response.output_audio_transcript.delta", delta=word + " ", **where)
                for piece in pieces(ulaw):
                    self._delta(response["id"], response["item"], piece)
                    await asyncio.sleep(len(piece) / 8000 / self._manners.speed)
            self._send(
                "response.output_audio.done", **self._where(response["id"], response["item"])
            )
        self._done(response, "completed", None)

    def _delta(self, response: str, item: str, ulaw: bytes) -> None:
        self.generated[item] = self.generated.get(item, 0) + len(ulaw) // 8
        audio = base64.b64encode(ulaw).decode()
        self._send("response.output_audio.delta", delta=audio, **self._where(response, item))

    def _done(self, response: dict[str, Any], status: str, details: Any) -> None:
        self._active = None
        done = self._response(response, status)
        turn = response.get("turn", Turn())
        done["status_details"] = details
        done["output"] = self._output(response["item"], turn, status)
        done["usage"] = USAGE
        self._send("response.done", response=done)

    def _output(self, item: str, turn: Turn, status: str) -> list[dict[str, Any]]:
        state = "completed" if status == "completed" else "incomplete"
        found: list[dict[str, Any]] = []
        if turn.text:
            content = [{"type": "output_audio", "transcript": turn.text}]
            found.append(
                {"id": item, "type": "message", "role": "assistant", "status": state}
                | {"content": content}
            )
        for call in turn.tools:
            plain = call.arguments
            found.append(
                {
                    "id": self._id("item"),
                    "type": "function_call",
                    "status": state,
                    "call_id": self._id("call"),
                    "name": call.name,
                    "arguments": plain if isinstance(plain, str) else json.dumps(plain),
                }
            )
        return found

    def _response(self, response: dict[str, Any], status: str) -> dict[str, Any]:
        return {
            "object": "realtime.response",
            "id": response["id"],
            "status": status,
            "status_details": None,
            "output": [],
            "metadata": response["metadata"],
            "usage": None,
        }

    def _echo(self) -> dict[str, Any]:
        audio = self._session.get("audio", {})
        wanted = audio.get("output", {}).get("format", {"type": "audio/pcm", "rate": 24000})
        form = wanted
        if self._session and self._manners.output_format != "audio/pcmu":
            form = {"type": self._manners.output_format, "rate": 24000}
        output = {**audio.get("output", {}), "format": form}
        plain = {"input": audio.get("input", {"format": wanted}), "output": output}
        head = {"type": "realtime", "object": "realtime.session", "id": "sess_1"}
        return {**self._session, **head, "model": self._model, "audio": plain}

    def _where(self, response: str, item: str) -> dict[str, Any]:
        return {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}

    def _error(self, code: str, message: dict[str, Any]) -> None:
        error = {
            "type": "invalid_request_error",
            "code": code,
            "message": "as the test wants",
            "param": None,
            "event_id": message.get("event_id"),
        }
        self._send("error", error=error)

    def _send(self, kind: str, **fields: Any) -> None:
        self._send_text(json.dumps({"type": kind, "event_id": self._id("event"), **fields}))

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._ids)}"
