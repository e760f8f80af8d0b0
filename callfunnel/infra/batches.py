"""FastStream's batch subscriber on a continuous pull, and the broker that shares our connection.

It replaces a FastStream class that is not public (pinned to 0.7): the durable is created or
updated from our configuration, a deleted durable is made again, a batch is whatever gathered
while the last one was handled (or a little longer, see `Pace`), and stopping gives back what
was not begun. Every subscriber acknowledges through `Settling`, never by FastStream's default,
which drops on the first error.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import nats.errors
import nats.js.errors
from faststream import BaseMiddleware
from faststream._internal.endpoint.subscriber.call_item import CallsCollection
from faststream.message import StreamMessage
from faststream.middlewares import AckPolicy
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.nats.broker.registrator import NatsRegistrator
from faststream.nats.configs import NatsBrokerConfig
from faststream.nats.message import NatsBatchMessage
from faststream.nats.subscriber.config import (
    NatsSubscriberConfig,
    NatsSubscriberSpecificationConfig,
)
from faststream.nats.subscriber.specification import NatsSubscriberSpecification
from faststream.nats.subscriber.usecases.stream_pull_subscriber import BatchPullStreamSubscriber
from nats.aio.msg import Msg
from nats.js import api

from callfunnel.infra.consume import ConsumerGone, Pace, PullClient
from callfunnel.infra.lean import LeanClient
from callfunnel.infra.settling import Received, Settling
from callfunnel.infra.turns import PRECEDENCE

log = logging.getLogger(__name__)


class SettlingMiddleware(BaseMiddleware[Any, Any]):
    """Maps a handler's `Temporary` and `Permanent` to what the bus is told, message by message."""

    async def consume_scope(
        self, call_next: Callable[[Any], Awaitable[Any]], msg: StreamMessage[Any]
    ) -> None:
        subscriber = self.context.get_local("handler_")

        async def run(items: list[Received[Any]]) -> None:
            part: NatsBatchMessage = NatsBatchMessage(raw_message=[], body=items)
            part.set_decoder(_body)
            await call_next(part)

        try:
            await subscriber.settling.settle(msg.raw_message, run)
        except Exception as error:  # FastStream would drop it silently; ack_wait brings them back
            durable = subscriber.config.durable_name
            log.error("not settled", extra={"durable": durable, "error": type(error).__name__})
            raise


class SharedBroker(NatsBroker):
    """A FastStream broker on a connection that it neither makes nor closes."""

    def __init__(self, client: LeanClient) -> None:
        super().__init__(
            apply_types=False,
            serializer=None,
            logger=None,
            ack_policy=AckPolicy.MANUAL,
            middlewares=[SettlingMiddleware],
        )
        self._shared = client

    def batches(
        self, stream: str, config: api.ConsumerConfig, pace: Pace, settling: Settling
    ) -> "ContinuousBatchSubscriber":
        """A subscriber of one durable; use it as the decorator of the handler."""
        subscriber = ContinuousBatchSubscriber.build(self, stream, config, pace.batch)
        subscriber.settling = settling
        subscriber.gather_s = pace.gather_s
        # Past NatsRegistrator, which would build FastStream's own class.
        super(NatsRegistrator, self).subscriber(subscriber)
        return subscriber

    async def _connect(self) -> LeanClient:
        self.config.connect(self._shared)
        return self._shared

    async def stop(self, *exc: Any) -> None:
        self._connection = None
        await super().stop(*exc)


class ContinuousBatchSubscriber(BatchPullStreamSubscriber):
    """One durable's batches, for as long as the process lives."""

    settling: Settling
    gather_s: float
    pulling: PullClient | None = None

    @classmethod
    def build(
        cls, broker: NatsBroker, stream: str, config: api.ConsumerConfig, batch: int
    ) -> "ContinuousBatchSubscriber":
        calls = CallsCollection[Any]()
        outer = cast(NatsBrokerConfig, broker.config)
        specification = NatsSubscriberSpecification(
            _outer_config=outer,
            calls=calls,
            specification_config=NatsSubscriberSpecificationConfig(
                subject="",
                queue=None,
                filter_subjects=list(config.filter_subjects or ()),
                title_=None,
                description_=None,
            ),
        )
        own = NatsSubscriberConfig(
            subject="",
            sub_config=config,
            extra_options={},
            _outer_config=outer,
            _ack_policy=AckPolicy.MANUAL,
        )
        joined = JStream(stream, declare=False)
        return cls(own, specification, calls, stream=joined, pull_sub=PullSub(batch, batch=True))

    @property
    def opened(self) -> bool:
        """Whether the durable exists and a request is out."""
        return self.pulling is not None

    async def _create_subscription(self) -> None:
        await self._open()
        self.add_task(self._consume_pull)

    async def _open(self) -> None:
        """Creates or updates the durable; without a stream or a bus yet, the loop tries again."""
        durable = self.config.durable_name or ""
        try:
            await self.jetstream.add_consumer(self.stream.name, config=self.config)
        except (nats.errors.Error, nats.js.errors.Error) as error:
            log.warning(
                "durable not created", extra={"durable": durable, "error": type(error).__name__}
            )
            return
        ahead = max(2 * self.pull_sub.batch_size, 50)
        pulling = PullClient(
            cast(LeanClient, self.connection), self.stream.name, durable, ahead=ahead
        )
        await pulling.start()
        self.pulling = pulling

    async def _consume_pull(self) -> None:
        while self.running or self.pulling is None:
            if self.pulling is None:
                await asyncio.sleep(0.5)
                await self._open()
                continue
            try:
                batch = await self.pulling.next_batch(
                    self.pull_sub.batch_size, gather_s=self.gather_s
                )
            except ConsumerGone as error:
                log.warning(
                    "durable gone",
                    extra={"durable": self.config.durable_name, "reason": str(error)},
                )
                gone, self.pulling = self.pulling, None
                await gone.stop()
                continue
            if not batch:
                return
            await self._handle(self.pulling, batch)

    async def _handle(self, pulling: PullClient, batch: list[Msg]) -> None:
        if not self.running:
            for message in batch:
                await message.nak()
            return
        async with self._kept_alive(pulling, batch):
            await PRECEDENCE.stand_aside()
            await self.consume(batch)
        hold_s = self.settling.hold_s
        if hold_s and self.running:
            await pulling.pause(hold_s)
            await asyncio.sleep(hold_s)
            await pulling.resume()

    @contextlib.asynccontextmanager
    async def _kept_alive(self, pulling: PullClient, batch: list[Msg]) -> AsyncIterator[None]:
        """Long work says so before the server hands it to someone else."""

        async def say_so() -> None:
            while working:  # nats-py swallows a cancellation while it writes
                await asyncio.sleep((self.config.ack_wait or 30.0) / 3)
                if not self.connection.is_connected:
                    continue  # what is said now would fill the room of what must be told
                with contextlib.suppress(nats.errors.Error):
                    for message in [*batch, *pulling.waiting]:
                        if not message.is_acked:
                            await message.in_progress()

        working = True
        saying = asyncio.create_task(say_so())
        try:
            yield
        finally:
            working = False
            saying.cancel()

    async def stop(self) -> None:
        """Gives back what was not begun, then waits for the batch in hand."""
        self.running = False
        if self.pulling is not None:
            await self.pulling.stop()
        await super().stop()


async def _body(message: StreamMessage[Any]) -> Any:
    return message.body
