"""Publishing with an answer: returns once the stream has every message. Starts when first used."""

import asyncio
from collections.abc import Sequence

import nats.errors
import nats.js.errors
from nats.aio.msg import Msg

from callfunnel.domain.errors import Temporary
from callfunnel.events.envelope import Wire
from callfunnel.infra.clock import utc_now
from callfunnel.infra.lean import LeanClient
from callfunnel.infra.letters import Delivered, letter_of
from callfunnel.infra.windowed import Outgoing, WindowedSender

REPLAYS = "cf-replays"
"""How often an operator has put a message back; it stays with the message."""


class Publisher:
    """Publishes groups of messages, and puts undeliverable ones into DEAD."""

    def __init__(self, client: LeanClient) -> None:
        self._client = client
        self._sender: WindowedSender | None = None
        self._key = 0
        self._owed: dict[int, _Group] = {}

    async def publish(self, wires: Sequence[Wire], within_s: float) -> None:
        """Returns once all are stored; raises Temporary when they are not in time."""
        if not wires:
            return
        sender = await self._started()
        group = _Group(len(wires))
        keys = []
        for wire in wires:
            self._key += 1
            keys.append(self._key)
            self._owed[self._key] = group
            sender.put(Outgoing(self._key, wire.id, wire.subject, wire.headers, wire.body))
        try:
            async with asyncio.timeout(within_s):
                await group.done
        except TimeoutError as error:
            sender.withdraw(frozenset(keys))
            reason = sender.stats.last_error or "the bus does not acknowledge"
            raise Temporary(f"not published: {reason}", delay=1.0) from error
        finally:
            for key in keys:
                self._owed.pop(key, None)

    async def bury(self, message: Msg, reason: str) -> None:
        """Puts a message into DEAD with its reason (see `letter_of`).

        Raises Temporary when DEAD does not take it.
        """
        where = message.metadata
        delivered = Delivered(
            durable=where.consumer,
            stream=where.stream,
            sequence=where.sequence.stream,
            times=where.num_delivered,
            subject=message.subject,
            headers=message.headers or {},
            body=message.data,
        )
        letter = letter_of(delivered, reason, utc_now(), self._client.max_payload)
        stream = self._client.jetstream()
        try:
            await stream.publish(letter.subject, letter.body, headers=letter.headers)
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
            raise Temporary("DEAD does not take it") from error

    async def stop(self) -> None:
        """Stops sending; whoever waits gets Temporary when their time is over."""
        if self._sender is not None:
            await self._sender.stop()

    async def _started(self) -> WindowedSender:
        if self._sender is None:
            self._sender = WindowedSender(self._client, self._acked)
            await self._sender.start()
        return self._sender

    def _acked(self, message: Outgoing) -> None:
        group = self._owed.pop(message.key, None)
        if group is not None:
            group.one_stored()


class _Group:
    def __init__(self, left: int) -> None:
        self._left = left
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def one_stored(self) -> None:
        self._left -= 1
        if not self._left and not self.done.done():
            self.done.set_result(None)
