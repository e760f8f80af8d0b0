"""A continuous pull consumer: a request is always outstanding, and whatever has arrived is a batch.

Decides when to ask for more, when the outstanding request is void (a reconnect, missed
heartbeats) and when the durable is gone. It settles nothing: whoever takes a batch acknowledges
it. What nobody took is given back on `stop`, to be delivered to another process at once.
"""

import asyncio
import contextlib
import json
from typing import Final, NamedTuple

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from callfunnel.infra.lean import LeanClient

MOST_BYTES = 16 * 1024 * 1024
"""Bodies that wait here at most; facts have a kilobyte, but a megabyte is allowed."""
_LARGEST = 2 * 1024 * 1024
"""Room for one message of any size, or nothing is asked for."""
_WATCH_S = 0.5
_MANY = 10
"""A tenth of a batch: whoever has a backlog gathers nothing more."""
GATHER_S: Final = 0.05
"""A transaction costs as much as thirty rows: what nobody waits for shares one."""
_STORED = "$JS.ACK."
"""Where a stored message is acknowledged. A word of the server has no such reply, whatever the
headers of a message pretend."""


class Pace(NamedTuple):
    """How many messages at most are one batch, and how long a batch waits for more."""

    batch: int
    gather_s: float


class ConsumerGone(Exception):
    """The durable was deleted, or its stream does not answer: create it again."""


class PullClient:
    """Pulls from one durable; `ahead` messages, or `MOST_BYTES` of them, wait here or on their way.

    `ordered` is for readers without acknowledgements: what was on its way in an interruption is
    lost to the consumer, so an interruption means ConsumerGone. After `stop`: make a new one.
    """

    def __init__(
        self,
        client: LeanClient,
        stream: str,
        durable: str,
        *,
        ahead: int,
        expires_s: float = 30.0,
        heartbeat_s: float = 5.0,
        ordered: bool = False,
    ) -> None:
        self._ordered = ordered
        self._client = client
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._ahead = ahead
        self._expires_s = expires_s
        self._heartbeat_s = heartbeat_s
        self._patience_s = 2 * heartbeat_s + 1
        self._queue: list[Msg] = []
        self._held = 0
        self._outstanding = 0
        self._arrived = asyncio.Event()
        self._gone: ConsumerGone | None = None
        self._heard = 0.0
        self._reconnects = 0
        self._now = asyncio.get_running_loop().time
        self._stopping = False
        self._paused = False
        self._inbox = ""
        self._subscription: Subscription | None = None
        self._watcher: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> list[Msg]:
        """What has arrived and nobody took yet."""
        return self._queue

    async def start(self) -> None:
        """Subscribes and asks for the first messages."""
        self._inbox = self._client.new_inbox()
        self._subscription = await self._client.listen(self._inbox, self._on_message)
        self._heard = self._now()
        self._reconnects = self._client.stats["reconnects"]
        await self._pull()
        self._watcher = asyncio.create_task(self._watch(), name="pull watcher")

    async def next_batch(self, limit: int, *, gather_s: float = 0.0) -> list[Msg]:
        """Waits for at least one message; empty once stopping. Raises ConsumerGone.

        Then for more to come, `gather_s`, unless there are many already: a backlog.
        """
        await self._some()
        if gather_s and len(self._queue) < limit // _MANY:
            await asyncio.sleep(gather_s)
            await self._some()
        batch, self._queue = self._queue[:limit], self._queue[limit:]
        self._held -= sum(len(message.data) for message in batch)
        if self._room >= self._ahead // 2:
            await self._pull()
        return batch

    async def _some(self) -> None:
        while not self._queue and not self._stopping:
            if self._gone is not None:
                raise self._gone
            self._arrived.clear()
            await self._arrived.wait()

    async def pause(self, delay_s: float) -> None:
        """Gives back what waits and asks for nothing until `resume`; what still comes waits."""
        self._paused = True
        await self._give_back(delay_s)

    async def resume(self) -> None:
        """Asks again after a pause."""
        self._paused = False
        await self._pull()

    async def stop(self) -> None:
        """Asks for nothing more and gives back what was not taken, for delivery at once.

        What is on its way is given back, too, if the server answers within 2 s. That wait is in a
        task of its own that nobody cancels: nats-py's reader dies of a pong whose waiter is gone.
        """
        self._stopping = True
        self._arrived.set()
        if self._watcher is not None:
            self._watcher.cancel()
        with contextlib.suppress(Exception):  # the connection may be gone: ack_wait covers it
            await self._give_back(None)
            if self._subscription is not None and self._ordered:
                await self._subscription.unsubscribe()
            elif self._subscription is not None:
                drained = self._subscription.drain()  # type: ignore[no-untyped-call]  # nats-py leaves it so
                draining = asyncio.ensure_future(drained)
                draining.add_done_callback(_ignored)
                await asyncio.wait({draining}, timeout=2)

    async def _give_back(self, delay_s: float | None) -> None:
        waiting, self._queue, self._held = self._queue, [], 0
        for message in waiting:
            await message.nak(delay=delay_s)

    @property
    def _room(self) -> int:
        """How many more may be asked for: what waits here counts, or a slow reader would hoard."""
        if self._held > MOST_BYTES - _LARGEST:
            return 0
        return self._ahead - self._outstanding - len(self._queue)

    async def _pull(self) -> None:
        wanted = self._room
        if wanted <= 0 or self._stopping or self._paused or not self._client.is_connected:
            return
        self._outstanding += wanted
        request = {
            "batch": wanted,
            "max_bytes": MOST_BYTES - self._held,
            "expires": int(self._expires_s * 1e9),
            "idle_heartbeat": int(self._heartbeat_s * 1e9),
        }
        await self._client.publish(self._next, json.dumps(request).encode(), self._inbox)

    async def _on_message(self, message: Msg) -> None:
        self._heard = self._now()
        if not message.reply.startswith(_STORED):
            await self._on_status(message.headers or {})
            return
        self._outstanding = max(0, self._outstanding - 1)
        if self._stopping:
            await message.nak()
            return
        self._queue.append(message)
        self._held += len(message.data)
        self._arrived.set()

    async def _on_status(self, headers: dict[str, str]) -> None:
        status, description = headers.get("Status", ""), headers.get("Description", "")
        if status in ("", "100"):
            return
        unused = headers.get("Nats-Pending-Messages")
        self._outstanding = max(0, self._outstanding - int(unused)) if unused else 0
        gone = status == "503" or (status == "409" and "Deleted" in description)
        if gone or (status == "404" and "onsumer" in description):
            self._gone = ConsumerGone(description or "nothing answers")
            self._arrived.set()
        else:
            await self._pull()

    async def _watch(self) -> None:
        """Asks again when the outstanding request cannot be alive any more."""
        while not self._stopping:
            await asyncio.sleep(_WATCH_S)
            silent = self._outstanding > 0 and self._now() - self._heard > self._patience_s
            reconnected = self._client.stats["reconnects"] != self._reconnects
            if self._client.is_connected and (silent or reconnected):
                self._reconnects = self._client.stats["reconnects"]
                self._outstanding, self._heard = 0, self._now()
                await self._renew()

    async def _renew(self) -> None:
        if self._ordered:
            self._gone = ConsumerGone("interrupted")
            self._arrived.set()
        else:
            await self._pull()


def _ignored(task: asyncio.Future[None]) -> None:
    """Its failure is of no interest: the connection was going."""
    if not task.cancelled():
        task.exception()
