"""The model's end: a server of OpenAI's Realtime dialect that is told what to do by the dialogue.

Audio leaves at twice real time in deltas of 100 ms, each of its frames stamped. What arrives is
read as far as the figures need it; the stamp of the first frame says whose call it is.
"""

import base64
import json
from collections.abc import Callable
from typing import Any, Final

import picows

from bench.media.dialogue import ANSWER_DELTAS, GREETING_DELTAS
from bench.media.seen import Seen
from bench.media.stamps import SAMPLES, now_us, read, since_us, stamp
from tests.simulators.openai_realtime import USAGE
from tests.simulators.sounds import tone

TEXT: Final = picows.WSMsgType.TEXT
_APPEND: Final = b'{"type":"input_audio_buffer.append","audio":"'
_EVERY_US: Final = 50_000
_VOICE: Final = tone(20, 250)[SAMPLES:]

Claim = Callable[["ModelPeer", int], None]


class ModelPeer(picows.WSListener):
    """One session. `claim` is called once, with the number of the call it belongs to."""

    def __init__(self, seen: Seen, claim: Claim) -> None:
        self._seen = seen
        self._claim = claim
        self._claimed = False
        self._transport: Any = None
        self._reply = ""
        self._metadata: Any = None
        self._left = self._frames = self._replies = self._turns = 0
        self._next_us = 0

    @property
    def talks(self) -> bool:
        """Whether more of a reply will come."""
        return self._reply != ""

    def on_ws_connected(self, transport: Any) -> None:
        self._transport = transport
        self._send("session.created", session={"type": "realtime"})

    def on_ws_disconnected(self, _transport: Any) -> None:
        self._transport = None

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            self._transport = None
            transport.disconnect()
        elif frame.msg_type == TEXT:
            data = frame.get_payload_as_bytes()
            if data.startswith(_APPEND):
                self._hear(data)
            else:
                self._obey(json.loads(data))

    def tick(self) -> None:
        """20 ms have passed."""
        if not self._reply or since_us(self._next_us, now_us()) < 0:
            return
        self._next_us = (self._next_us + _EVERY_US) % (1 << 32)
        self._delta()
        self._left -= 1
        if not self._left:
            self._finish("completed")

    def notice(self) -> int:
        """Says that the caller speaks; when it was said."""
        item = f"item_caller_{self._turns}"
        at = now_us()
        self._send("input_audio_buffer.speech_started", audio_start_ms=0, item_id=item)
        return at

    def turn_over(self) -> None:
        """The caller has finished: transcript, and the answer begins."""
        item = f"item_caller_{self._turns}"
        self._turns += 1
        self._send("input_audio_buffer.speech_stopped", audio_end_ms=0, item_id=item)
        self._send("input_audio_buffer.committed", item_id=item, previous_item_id=None)
        self._send(
            "conversation.item.input_audio_transcription.completed",
            item_id=item,
            content_index=0,
            transcript="I am calling because my bill went up last month, can you tell me why?",
            usage={"type": "duration", "seconds": 2.0},
        )
        if not self._reply:
            self._begin(ANSWER_DELTAS, None)

    def _hear(self, data: bytes) -> None:
        now = now_us()
        at, number = read(data[len(_APPEND) : len(_APPEND) + 64])
        self._seen.to_model.append(since_us(at, now))
        if not self._claimed:
            self._claimed = True
            self._claim(self, number)

    def _obey(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "session.update":
                self._send("session.updated", session={**message["session"], "model": "bench"})
            case "response.create" if not self._reply:
                self._begin(GREETING_DELTAS, message["response"].get("metadata"))
            case "response.cancel" if self._reply:
                self._finish("cancelled")

    def _begin(self, deltas: int, metadata: Any) -> None:
        self._reply, self._metadata = f"resp_{self._replies}", metadata
        self._replies += 1
        self._left, self._frames, self._next_us = deltas, 0, now_us()
        self._send("response.created", response=self._response("in_progress"))
        self._send("rate_limits.updated", rate_limits=[{"name": "tokens", "remaining": 8}])
        self.tick()

    def _delta(self) -> None:
        at, first = now_us(), self._frames
        self._frames += 5
        audio = b"".join([stamp(at, n) + _VOICE for n in range(first, first + 5)])
        self._piece("response.output_audio.delta", base64.b64encode(audio).decode())
        if first % 15 == 0:
            self._piece("response.output_audio_transcript.delta", "because ")

    def _piece(self, kind: str, delta: str) -> None:
        where = {"response_id": self._reply, "item_id": f"item_{self._reply}"}
        self._send(kind, **where, output_index=0, content_index=0, delta=delta)

    def _finish(self, status: str) -> None:
        self._send("response.done", response={**self._response(status), "usage": USAGE})
        self._reply = ""

    def _response(self, status: str) -> dict[str, Any]:
        return {
            "object": "realtime.response",
            "id": self._reply,
            "status": status,
            "metadata": self._metadata,
            "output": [],
        }

    def _send(self, kind: str, **fields: Any) -> None:
        if self._transport is not None:
            event = {"type": kind, "event_id": "event_ABCDEFGHIJKLMNOPQRSTU", **fields}
            self._transport.send(TEXT, json.dumps(event, separators=(",", ":")).encode())
