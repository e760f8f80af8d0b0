"""The socket of an OpenAI Realtime session: picows outside, `Conversation` inside."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

import picows

from callfunnel.infra.turns import Turnstile
from workers.media.models.line import CallContext, Capabilities, ModelLine, ModelSink
from workers.media.models.openai.address import realtime_url
from workers.media.models.openai.conversation import PROVIDER, Conversation
from workers.media.models.openai.wire import append
from workers.media.pace import FRAME_COST, MODEL_BYTES_AHEAD, MODEL_BYTES_PER_S, Pace
from workers.media.sockets import answer, read_little

_TEXT: Final = picows.WSMsgType.TEXT
_LAST_USAGE_S: Final = 0.3
"""How long a cancelled reply's usage record is waited for: it is billed, so it is metered."""
_MAX_FRAME: Final = 1024 * 1024
"""The session's own echo with a large rule book fits; what is longer holds up the other calls."""


class Server(NamedTuple):
    """Where the sessions are. `tls` is made once: reading the authorities takes many frames' time
    (22 ms with a distribution's own), and each call that opens would cost all others that.
    A provider that goes away takes all calls' sessions: `losses` are told a few in each turn."""

    url: str
    key: str
    tls: ssl.SSLContext | None
    losses: Turnstile


class OpenAILine(picows.WSListener):
    """One session; see `ModelLine`."""

    provider = PROVIDER
    capabilities = Capabilities(
        owns_turns=True, truncates=True, speaks_text=True, max_session_s=3600
    )

    def __init__(
        self, context: CallContext, sink: ModelSink, server: Server, names: tuple[str, str]
    ) -> None:
        self.model, transcription = names
        self._server = server
        self._transport: Any = None
        self._full = False
        self._closing = False
        self._quiet = asyncio.Event()
        self._clock = asyncio.get_running_loop().time
        self._pace = Pace(MODEL_BYTES_PER_S, MODEL_BYTES_AHEAD)
        self._talk = Conversation(
            context.rulebook, sink, self._send, model=self.model, transcription=transcription
        )

    async def open(self, timeout_s: float) -> None:
        """Connects; the session is ready once it echoed the formats asked for."""
        headers = {"Authorization": f"Bearer {self._server.key}"}
        try:
            async with asyncio.timeout(timeout_s):
                await picows.ws_connect(
                    lambda: self,
                    self._server.url,
                    ssl_context=self._server.tls,
                    extra_headers=headers,
                    max_frame_size=_MAX_FRAME,
                    enable_auto_pong=False,  # pings are counted like any other frame
                    enable_auto_ping=True,
                )
        except picows.WSInvalidStatusError as error:
            status = error.response.status if error.response else 0
            self._talk.fail(f"refused with status {int(status)}")
        except TimeoutError:
            self._talk.fail("connect timed out")
        except (OSError, picows.WSError):
            self._talk.fail("not reachable")
        if self._closing and self._transport is not None:
            self._transport.disconnect()

    def on_ws_connected(self, transport: Any) -> None:
        """The handshake is done; the server speaks first."""
        self._transport = transport
        read_little(transport)

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        """One message."""
        if not self._pace.keeps(FRAME_COST + frame.payload_size, self._clock()):
            self._gone("more than a model says")
            transport.disconnect()
        elif frame.msg_type == picows.WSMsgType.PING:
            answer(transport, frame, full=self._full)
        elif frame.msg_type == _TEXT and frame.fin:
            self._talk.arrived(frame.get_payload_as_bytes())
            if self._closing and not self._talk.speaks:
                self._quiet.set()
        elif frame.msg_type == picows.WSMsgType.CLOSE:
            late = frame.get_close_code() == picows.WSCloseCode.GOING_AWAY
            self._gone("session_expired" if late else "closed by the provider")
            transport.disconnect()
        elif frame.msg_type != picows.WSMsgType.PONG:
            self._gone("fragmented or binary message")
            transport.disconnect()

    def on_ws_disconnected(self, _transport: Any) -> None:
        """The socket is gone."""
        self._transport = None
        self._quiet.set()
        self._gone("connection lost")
        self._talk.let_go()

    def pause_writing(self) -> None:
        """The provider does not read: audio is dropped rather than kept for later."""
        self._full = True

    def resume_writing(self) -> None:
        """The provider reads again."""
        self._full = False

    def append(self, payload: bytes, _ulaw: bytes) -> None:
        """See `ModelLine.append`; before the session is ready nothing is sent."""
        if self._talk.ready and self._transport is not None and not self._full:
            self._transport.send(_TEXT, append(payload))

    def say(self, key: str, text: str) -> bool:
        """See `ModelLine.say`."""
        self._talk.say(key, text)
        return True

    def create_reply(self, instructions: str) -> None:
        """See `ModelLine.create_reply`."""
        self._talk.create_reply(instructions)

    def cancel(self, response: str) -> None:
        """See `ModelLine.cancel`."""
        self._talk.cancel(response)

    def truncate(self, item: str, heard_ms: int) -> None:
        """See `ModelLine.truncate`."""
        self._talk.truncate(item, heard_ms)

    def answer_tool(self, model_call: str, output: dict[str, Any]) -> None:
        """See `ModelLine.answer_tool`."""
        self._talk.answer_tool(model_call, output)

    def tell(self, text: str) -> None:
        """See `ModelLine.tell`."""
        self._talk.tell(text)

    async def close(self) -> None:
        """Closes the socket once the last reply is accounted for, or cannot be waited for."""
        self._closing = True
        if self._transport is not None and self._talk.speaks:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_USAGE_S):
                    await self._quiet.wait()
        if self._transport is not None:
            with contextlib.suppress(picows.WSError):
                self._transport.send_close(picows.WSCloseCode.OK)
            self._transport.disconnect()

    def _send(self, message: bytes) -> None:
        if self._transport is not None:
            self._transport.send(_TEXT, message)

    def _gone(self, reason: str) -> None:
        self._server.losses.soon(partial(self._lost, reason))

    def _lost(self, reason: str) -> None:
        if not self._closing:
            self._talk.fail(reason)


def openai_lines(
    base_url: str, key: str, model: str, transcription: str
) -> Callable[[CallContext, ModelSink], ModelLine]:
    """Opens lines to one model. Raises ValueError for an address that is none."""
    url = realtime_url(base_url, model)
    tls = ssl.create_default_context() if url.startswith("wss:") else None
    server = Server(url, key, tls, Turnstile())

    def open_line(context: CallContext, sink: ModelSink) -> ModelLine:
        return OpenAILine(context, sink, server, (model, transcription))

    return open_line
