"""Reads a stream in order, from a point on and for as long as asked, without acknowledgements.

For watchers and feeds, not for work: nothing is remembered on the server. A lost connection or
consumer is replaced by one that goes on after the last message seen, so a reader sees each
message once and in order.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Sequence

import nats.errors
import nats.js.errors
from nats.aio.msg import Msg
from nats.js import api

from callfunnel.infra.consume import ConsumerGone, PullClient
from callfunnel.infra.lean import LeanClient


class Follower:
    """An ordered reader of `subjects` of one stream. `after` = None: only what is new from now.

    `last_per_subject` begins with the newest message of every subject instead, and does so again
    after every interruption.
    """

    def __init__(
        self,
        client: LeanClient,
        stream: str,
        subjects: Sequence[str],
        *,
        after: int | None = None,
        last_per_subject: bool = False,
        headers_only: bool = False,
    ) -> None:
        self.pending_at_start = 0
        self._client = client
        self._stream = stream
        self._subjects = list(subjects)
        self._after = after
        self._last_per_subject = last_per_subject
        self._headers_only = headers_only
        self._name = ""
        self._pulling: PullClient | None = None

    async def open(self) -> None:
        """Creates the consumer; `pending_at_start` messages exist already."""
        info = await self._client.jetstream().add_consumer(self._stream, config=self._config())
        self.pending_at_start = info.num_pending or 0
        if self._after is None and info.delivered is not None:
            self._after = info.delivered.stream_seq
        self._name = info.name
        self._pulling = PullClient(self._client, self._stream, info.name, ahead=256, ordered=True)
        await self._pulling.start()

    async def batches(self) -> AsyncIterator[list[Msg]]:
        """What has arrived, again and again; ends only with `close`.

        An empty batch says that the reader was opened anew, `pending_at_start` is of now.
        """
        while (batch := await self.next_batch()) is not None:
            yield batch

    async def next_batch(self) -> list[Msg] | None:
        """The next of `batches`; None once closed."""
        while True:
            if self._pulling is None:
                if await self._reopened():
                    return []
                continue
            try:
                batch = await self._pulling.next_batch(256)
            except ConsumerGone:
                await self.close()
                continue
            if batch:
                self._after = batch[-1].metadata.sequence.stream
            return batch or None

    async def so_far(self, within_s: float) -> list[Msg]:
        """All that is stored now, oldest first. Raises TimeoutError and bus errors."""
        found: list[Msg] = []
        await self.take_so_far(found.append, within_s)
        return found

    async def take_so_far(self, take: Callable[[Msg], object], within_s: float) -> None:
        """Hands over what `so_far` returns, one by one: what is large need not be held twice."""
        await self.open()
        left = self.pending_at_start
        async with asyncio.timeout(within_s):
            batches = self.batches()
            while left > 0:
                batch = await anext(batches)
                left = left - len(batch) if batch else self.pending_at_start  # opened anew
                for message in batch:
                    take(message)

    async def close(self) -> None:
        """Stops reading."""
        pulling, self._pulling = self._pulling, None
        if pulling is None:
            return
        await pulling.stop()
        if self._client.is_connected:
            # Many short readers would otherwise reach the server's limit of consumers.
            with contextlib.suppress(TimeoutError, nats.errors.Error, nats.js.errors.Error):
                await self._client.jetstream().delete_consumer(self._stream, self._name)

    async def _reopened(self) -> bool:
        try:
            await self.open()
        except (nats.errors.Error, nats.js.errors.Error):
            await asyncio.sleep(0.5)
            return False
        return True

    def _config(self) -> api.ConsumerConfig:
        policy, start = api.DeliverPolicy.NEW, None
        if self._last_per_subject:
            policy = api.DeliverPolicy.LAST_PER_SUBJECT
        elif self._after is not None:
            policy, start = api.DeliverPolicy.BY_START_SEQUENCE, self._after + 1
        return api.ConsumerConfig(
            name=f"follow-{os.urandom(8).hex()}",
            deliver_policy=policy,
            opt_start_seq=start,
            ack_policy=api.AckPolicy.NONE,
            filter_subjects=self._subjects,
            headers_only=self._headers_only or None,
            inactive_threshold=30.0,
            mem_storage=True,
            num_replicas=1,
        )
