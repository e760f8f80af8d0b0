"""Windowed publishing: many messages unacknowledged at once, each resent until it is stored.

Decides when a message may be sent, sent again, and called stored. It must not forget one: an
exception from publish and a missing acknowledgement both mean *unknown*, and the message is sent
again under the same id, which the stream drops when it has it already. One wildcard inbox and
integer tokens take the place of a future per message (35,000 to 48,000 messages a second).

A stream that is full answers every message with a refusal: then one message in `_REST_S` asks
whether there is room again, and the rest waits here.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import msgspec

from callfunnel.events.streams import stream_of_subject
from callfunnel.infra.background import Background

_REST_S = 0.25
_IN_A_TURN = 32
"""Sent between two turns of everybody else: a millisecond's work, of a window that is eight times
as wide and opens as a whole after an outage."""
_SAY_EVERY_S = 10.0
log = logging.getLogger(__name__)


class Delivery(Protocol):
    """What arrives on the inbox: an acknowledgement, or a status in the headers."""

    subject: str
    data: bytes
    headers: dict[str, str] | None


class Connection(Protocol):
    """The part of a bus client that publishing needs; LeanClient has this shape."""

    @property
    def is_connected(self) -> bool: ...

    def new_inbox(self) -> str: ...

    async def listen(
        self, subject: str, heard: Callable[[Any], Awaitable[None]]
    ) -> "Subscribed": ...

    async def publish(
        self, subject: str, payload: bytes, reply: str, headers: dict[str, str] | None
    ) -> None: ...


class Subscribed(Protocol):
    """An open subscription."""

    async def unsubscribe(self) -> None: ...


class Outgoing(NamedTuple):
    """A message on its way; `key` is the sender's own name for it."""

    key: int
    id: str
    subject: str
    headers: Mapping[str, str]
    body: bytes


class _AckError(msgspec.Struct, frozen=True):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _PubAck(msgspec.Struct, frozen=True):
    stream: str = ""
    duplicate: bool = False
    error: _AckError | None = None


@dataclass(slots=True)
class SenderStats:
    """Counts since the start. `last_error` is the bus's latest refusal, without personal data."""

    acked: int = 0
    duplicates: int = 0
    resent: int = 0
    refused_by_bus: int = 0
    last_error: str = ""


class WindowedSender:
    """Publishes what is `put`, at most `window` unacknowledged, and calls `acked` once for each.

    Sends in the order put, except for messages that had to be sent again. While the client is
    disconnected nothing is published: its own buffer is small and forgets.
    """

    def __init__(
        self,
        connection: Connection,
        acked: Callable[[Outgoing], None],
        *,
        window: int = 256,
        ack_timeout_s: float = 2.0,
        stats: SenderStats | None = None,
    ) -> None:
        self.stats = stats or SenderStats()
        self._connection = connection
        self._now = asyncio.get_running_loop().time
        self._acked = acked
        self._window = window
        self._ack_timeout_s = ack_timeout_s
        self._queue: deque[Outgoing] = deque()
        self._flight: dict[str, tuple[float, Outgoing]] = {}
        self._resting = 0
        self._pending_bytes = 0
        self._refused_in_a_row = 0
        self._pause_until = 0.0
        self._say_after = float("-inf")
        self._withdrawn: set[int] = set()
        self._token = 0
        self._decode = msgspec.json.Decoder(_PubAck).decode
        self._ticking: asyncio.TimerHandle | None = None
        self._sending = Background("windowed sender", self._send_queued)
        self._inbox = ""
        self._subscription: Subscribed | None = None

    @property
    def pending(self) -> int:
        """How many were put and are not acknowledged."""
        return len(self._queue) + len(self._flight) + self._resting

    @property
    def pending_bytes(self) -> int:
        """The size of their bodies."""
        return self._pending_bytes

    async def start(self) -> None:
        """Opens the inbox and begins to send."""
        self._inbox = self._connection.new_inbox()
        self._subscription = await self._connection.listen(self._inbox + ".*", self._on_ack)
        self._sending.start()

    async def stop(self) -> None:
        """Stops at once; what is pending stays unsent and is the caller's to keep."""
        if self._ticking is not None:
            self._ticking.cancel()
        await self._sending.stop()
        if self._subscription is not None:
            with contextlib.suppress(Exception):  # the connection may be gone already
                await self._subscription.unsubscribe()

    def put(self, message: Outgoing) -> None:
        """Queues one message; returns at once."""
        self._pending_bytes += len(message.body)
        self._queue.append(message)
        self._sending.wake()

    def withdraw(self, keys: frozenset[int]) -> None:
        """Stops trying to send these; what is on its way may still be stored."""
        self._forget(message for message in self._queue if message.key in keys)
        self._queue = deque(message for message in self._queue if message.key not in keys)
        for token in [t for t, (_, message) in self._flight.items() if message.key in keys]:
            self._forget([self._flight.pop(token)[1]])
        if self._resting:
            self._withdrawn |= keys

    async def _send_queued(self) -> None:
        sent = 0
        while self._queue and self._has_room() and self._connection.is_connected:
            await self._send(self._queue.popleft())
            sent += 1
            if sent % _IN_A_TURN == 0:
                self._arm()
                await asyncio.sleep(0)
        self._arm()

    def _has_room(self) -> bool:
        """Whether one more may be on its way now."""
        if not self._refused_in_a_row:
            return len(self._flight) < self._window
        return not self._flight and self._now() >= self._pause_until

    async def _send(self, message: Outgoing) -> None:
        self._token += 1
        token = str(self._token)
        self._flight[token] = (self._now(), message)
        headers = {**message.headers, "Nats-Msg-Id": message.id}
        try:
            await self._connection.publish(
                message.subject, message.body, f"{self._inbox}.{token}", headers
            )
        except Exception as error:
            # Unknown whether it left: it stays in flight and the timer sends it again.
            self.stats.last_error = type(error).__name__

    async def _on_ack(self, delivery: Delivery) -> None:
        entry = self._flight.pop(delivery.subject.rpartition(".")[2], None)
        self._sending.wake()
        if entry is None:
            return
        ack = self._read(delivery)
        if ack.error is None:
            self._refused_in_a_row = 0
            self._forget([entry[1]])
            self.stats.acked += 1
            self.stats.duplicates += ack.duplicate
            self._acked(entry[1])
        else:
            self.stats.refused_by_bus += 1
            self.stats.last_error = ack.error.description[:200]
            self._rest(entry[1])
            self._say_refused(entry[1])

    def _read(self, delivery: Delivery) -> _PubAck:
        """A status without a body (503: no stream listens there) is not an acknowledgement."""
        if delivery.headers and not delivery.data:
            status = delivery.headers.get("Status", "?")
            return _PubAck(error=_AckError(description=f"status {status}"))
        try:
            ack = self._decode(delivery.data)
        except (ValueError, RecursionError):
            return _PubAck(error=_AckError(description="unreadable acknowledgement"))
        if not ack.stream and ack.error is None:
            return _PubAck(error=_AckError(description="acknowledgement without a stream"))
        return ack

    def _rest(self, message: Outgoing) -> None:
        """A refused message goes behind the others, and all wait while nothing is taken."""
        loop = asyncio.get_running_loop()
        self._resting += 1
        self._refused_in_a_row += 1
        self._pause_until = loop.time() + _REST_S
        loop.call_at(self._pause_until, self._rested, message)

    def _rested(self, message: Outgoing) -> None:
        self._resting -= 1
        if message.key in self._withdrawn:
            self._forget([message])
        else:
            self._queue.append(message)
        if not self._resting:
            self._withdrawn.clear()
        self._sending.wake()

    def _forget(self, messages: Iterable[Outgoing]) -> None:
        self._pending_bytes -= sum(len(message.body) for message in messages)

    def _say_refused(self, message: Outgoing) -> None:
        """Now and then: a full stream refuses four times a second, for as long as it is full."""
        now = self._now()
        if now >= self._say_after:
            self._say_after = now + _SAY_EVERY_S
            stream = stream_of_subject(message.subject)
            about = {"stream": stream, "reason": self.stats.last_error, "backlog": self.pending}
            log.error("the bus refuses", extra=about)

    def _arm(self) -> None:
        """One timer while anything is pending; none when idle."""
        if self._ticking is None and (self._queue or self._flight):
            self._ticking = asyncio.get_running_loop().call_later(0.25, self._tick)

    def _tick(self) -> None:
        self._ticking = None
        oldest_ok = self._now() - self._ack_timeout_s
        late = [token for token, (sent, _) in self._flight.items() if sent < oldest_ok]
        again = [self._flight.pop(token)[1] for token in late]
        self.stats.resent += len(again)
        self._queue.extendleft(reversed(again))
        self._sending.wake()
