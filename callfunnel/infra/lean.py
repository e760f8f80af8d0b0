"""nats-py's client with a shorter way for each message; it says and hears the same.

A message with ten headers costs nats-py 15 us to read and 16 us to write, most of it in checking
every character of every header again. Here a known header name is checked once a connection, a
value that is sent for line ends only, and the acknowledgements of a batch are written as one piece.
A callback that never waits for the bus is called where the message is read (`listen`).
And no message, whatever its bytes, ends the reading of those behind it.
It overrides methods that are not public (pinned to nats-py 2.16): the integration tests of the
bus, and a property test against nats-py's own methods, hold it to the same bytes.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from callfunnel.infra.background import CANCEL_AGAIN_S
from callfunnel.infra.lean_reader import LeanParser

Heard = Callable[[Msg], Awaitable[None]]
_VERSION_LINE: Final = "NATS/1.0\r\n"
_BLOCK: Final = _VERSION_LINE.encode()
_MOST_NAMES: Final = 256
"""Header names that are known, each way: ours are twenty, but dead letters have anybody's."""
_NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_SPACE = " \t\n\r\x0b\x0c"


class LeanClient(Client):
    """A connection to the bus."""

    def __init__(self) -> None:
        super().__init__()
        self._known_names: set[str] = set()
        self._names_read: set[str] = set()
        self._listeners: dict[int, Heard] = {}
        self._ps = LeanParser(self)

    async def close(self) -> None:
        """As nats-py's; a reconnect that swallowed its cancellation (asyncio.wait_for does up to
        Python 3.11) is ended, too: it would go on for ever, and keep the process from ending.
        """
        try:
            await self._close_once()
        except OSError:  # the connection was lost in this moment
            self._status = Client.DISCONNECTED
            await self._close_once()
        trying = self._reconnection_task
        while trying not in (None, asyncio.current_task()) and not trying.done():
            trying.cancel()
            await asyncio.wait({trying}, timeout=CANCEL_AGAIN_S)

    async def _close_once(self) -> None:
        """Nobody hears any more what could not be said: nats-py would fail at it, half closed."""
        if not self.is_connected:
            self._pending.clear()
            self._pending_data_size = 0
        await super().close()

    async def _attempt_reconnect(self) -> None:
        """As nats-py's, which ends, and never connects again, at an error it has not foreseen."""
        while not self.is_closed:
            try:
                await super()._attempt_reconnect()
            except Exception as error:
                if not self.is_closed:
                    self._status = Client.RECONNECTING
                await self._error_cb(error)
                await asyncio.sleep(self.options["reconnect_time_wait"])
            else:
                return

    async def _connect_to_server(self, s: Any) -> None:
        """As nats-py's, which keeps a connection that froze half-way: its socket, and its reader,
        whose bytes would come between those of the new one.
        """
        for task in (self._reading_task, self._ping_interval_task, self._flusher_task):
            if task is not None:
                task.cancel()
        if self._transport is not None:
            self._transport.close()  # type: ignore[no-untyped-call]  # nats-py leaves it so
        self._ps.reset()
        await super()._connect_to_server(s)

    async def _process_pong(self) -> None:
        """As nats-py's, which reads no more once a pong's waiter has given up."""
        if self._pongs and self._pongs[0].done():
            self._pongs[0] = asyncio.get_running_loop().create_future()
        await super()._process_pong()

    async def listen(self, subject: str, heard: Heard) -> Subscription:
        """As `subscribe`, without a bound and without a queue: `heard` is awaited where the message
        is read, so it must not wait for anything that the bus sends.
        """
        subscription = await self.subscribe(
            subject, cb=heard, pending_msgs_limit=0, pending_bytes_limit=0
        )
        self._listeners[subscription._id] = heard
        return subscription

    def _remove_sub(self, sid: int, max_msgs: int = 0) -> None:
        self._listeners.pop(sid, None)
        super()._remove_sub(sid, max_msgs)

    async def take(
        self, sid: int, subject: bytes, reply: bytes, payload: bytes, block: bytes
    ) -> None:
        """A message has been read; `block` are its headers."""
        heard = self._listeners.get(sid)
        if heard is None:
            await self._process_msg(sid, subject, reply, payload, block)
            return
        self.stats["in_msgs"] += 1
        self.stats["in_bytes"] += len(payload)
        headers = await self._process_headers(block)
        try:
            await heard(self._build_message(sid, subject, reply, payload, headers))
        except Exception as error:
            await self._error_cb(error)

    async def _process_headers(self, headers: bytes) -> dict[str, str] | None:
        """The headers of a message; none, where nothing can be made of them.

        What anybody stored is delivered to all who read: a message that nats-py fails on would end
        its reader, again after every new connection.
        """
        if headers and headers.startswith(_BLOCK) and (found := self._usual(headers)) is not None:
            return found
        try:
            return await super()._process_headers(headers)
        except (UnicodeDecodeError, IndexError):
            return None

    def _usual(self, block: bytes) -> dict[str, str] | None:
        """The headers of a block that is as everybody writes it; None for any other."""
        lines = block.decode("utf-8", "replace").split("\r\n")
        found: dict[str, str] = {}
        for line in lines[1:-2]:
            name, colon, value = line.partition(": ")
            if name not in self._names_read and not self._is_name(name):
                return None
            if not colon:
                return None
            found[name] = value.strip(_SPACE)
        return found if found and lines[-2:] == ["", ""] else None

    def _is_name(self, name: str) -> bool:
        if not _NAME.fullmatch(name):
            return False
        if len(self._names_read) < _MOST_NAMES:
            self._names_read.add(name)
        return True

    def _build_message(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: dict[str, str] | None
    ) -> Msg:
        """The message, whatever the bytes of its subject and of whom to answer."""
        try:
            message: Msg = super()._build_message(sid, subject, reply, data, headers)
        except UnicodeDecodeError:
            message = super()._build_message(sid, _text(subject), _text(reply), data, headers)
        return message

    async def _send_publish(
        self, subject: str, reply: str, payload: bytes, size: int, headers: dict[str, Any] | None
    ) -> None:
        lines = self._lines(headers) if headers and subject else None
        if lines is None:
            await super()._send_publish(subject, reply, payload, size, headers)
            if len(self._known_names) < _MOST_NAMES:
                self._known_names.update(name for name in headers or () if name.strip() == name)
            return
        block = f"{_VERSION_LINE}{lines}\r\n\r\n".encode()
        head = f"HPUB {subject} {reply} {len(block)} {len(block) + size}\r\n".encode()
        self.stats["out_msgs"] += 1
        self.stats["out_bytes"] += size
        await self._send_command(b"".join((head, block, payload, b"\r\n")))
        if self._flush_queue is not None and self._flush_queue.empty():
            await self._flush_pending()

    def _lines(self, headers: dict[str, Any]) -> str | None:
        """The header lines; None when a name is new or a value holds a line end."""
        if not self._known_names.issuperset(headers):
            return None
        lines = "\r\n".join([f"{name}: {value}" for name, value in headers.items()])
        ends = len(headers) - 1
        return lines if lines.count("\n") == ends and lines.count("\r") == ends else None


async def acknowledge(messages: Sequence[Msg]) -> None:
    """Acknowledges a batch in one piece; as `Msg.ack` of each, when the bus is away."""
    client = messages[0]._client
    if not isinstance(client, LeanClient) or not client.is_connected:
        for message in messages:
            await message.ack()
        return
    client.stats["out_msgs"] += len(messages)
    await client._send_command("".join([f"PUB {m.reply} 0\r\n\r\n" for m in messages]).encode())
    await client._flush_pending()
    for message in messages:
        message._ackd = True


def _text(name: bytes) -> bytes:
    return name.decode(errors="backslashreplace").encode()


def delivery_of(reply: str) -> int:
    """How often a message was delivered, from its acknowledgement's address; 1: this time first."""
    parts = reply.split(".")
    return int(parts[4] if len(parts) == 9 else parts[6])
