"""The bus as the rest of the platform sees it: consumers, requests, replies, publishing, feeds.

Messages go in and out as classes of the catalogue; no subject is written anywhere else. Vendor
exceptions end here: whoever asks gets `Temporary` or `Permanent`. It holds no business rule.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.domain.ids import TenantId
from callfunnel.events.envelope import Envelope, Event, Wire, from_wire, to_wire
from callfunnel.events.message import Message, definition_of, filter_of, subject_of, template_of
from callfunnel.infra import connection, replies
from callfunnel.infra.clock import fresh_id, utc_now
from callfunnel.infra.connection import BusAccess
from callfunnel.infra.consume import GATHER_S, Pace
from callfunnel.infra.durables import durable_of, stream_of
from callfunnel.infra.follow import Follower
from callfunnel.infra.kv import KeyValue
from callfunnel.infra.lean import LeanClient
from callfunnel.infra.publishing import Publisher
from callfunnel.infra.replies import Replied, Unanswered
from callfunnel.infra.secrets import Secrets
from callfunnel.infra.settings import PlatformSettings
from callfunnel.infra.settling import Received, Settling, received
from callfunnel.infra.spans import OFF, Attributes, Tracer
from callfunnel.infra.trace import current_traceparent, new_traceparent, tracing
from callfunnel.infra.turns import in_turns

if TYPE_CHECKING:  # FastStream costs 18 MB: only a process that consumes loads it
    from callfunnel.infra.batches import ContinuousBatchSubscriber, SharedBroker

__all__ = ["Bus", "BusAccess", "Received", "Unanswered", "event"]

R = TypeVar("R", bound=msgspec.Struct)
BatchHandler = Callable[[list[Received[Any]]], Awaitable[None]]
Consumer = Callable[[BatchHandler], BatchHandler]
Listener = Callable[[Received[Any]], Awaitable[None]]
Answer = Callable[[Received[Any]], Awaitable[msgspec.Struct]]
log = logging.getLogger(__name__)


def event(
    data: Message,
    tenant: TenantId,
    key: str,
    *,
    id: str = "",
    seq: int | None = None,
    traceparent: str = "",
) -> Event[Any]:
    """An event that happens now, in the current trace unless another is given."""
    envelope = Envelope(
        id=id or fresh_id("m"),
        tenant=tenant,
        key=key,
        time=utc_now(),
        seq=seq,
        traceparent=traceparent or current_traceparent() or new_traceparent(),
    )
    return Event(envelope, data)


def _about(data: Message, tenant: TenantId, key: str) -> Attributes:
    """What a span says of a request."""
    where = template_of(subject_of(type(data), tenant, key))
    about = Attributes(tenant=tenant, destination=where)
    if definition_of(type(data)).key == "call":
        about["call"] = key
    return about


class Bus:
    """One role's connection. Register consumers and responders, then `start`; `stop` ends all."""

    def __init__(self, client: LeanClient, tracer: Tracer) -> None:
        """Use `connect` or `open`."""
        self._client = client
        self.tracer = tracer
        self._publisher = Publisher(client)
        self._broker: SharedBroker | None = None
        self._answers: list[tuple[type[Message], Answer, str, str]] = []
        self._replying = replies.Replying(tracer)
        self.consumers: dict[str, ContinuousBatchSubscriber] = {}
        self.stopping = False

    @classmethod
    async def connect(
        cls,
        settings: PlatformSettings,
        role: str,
        secrets: Secrets,
        closed: Callable[[], None] | None = None,
        *,
        tracer: Tracer = OFF,
    ) -> "Bus":
        """The bus as `role` sees it; `closed` is called once it has closed for good."""
        access = await connection.access_for(settings, role, secrets)
        return await cls.open(access, closed, tracer=tracer)

    @classmethod
    async def open(
        cls, access: BusAccess, closed: Callable[[], None] | None = None, *, tracer: Tracer = OFF
    ) -> "Bus":
        """The bus at an explicit address; waits for the server as long as it takes."""
        bus: Bus | None = None

        def on_closed() -> None:
            if closed is not None and not (bus and bus.stopping):
                closed()

        bus = cls(await connection.connect(access, on_closed), tracer)
        return bus

    @property
    def client(self) -> LeanClient:
        """The connection itself, for the spool and for provisioning."""
        return self._client

    @property
    def ready(self) -> bool:
        """Connected, and every consumer has its durable."""
        return self._client.is_connected and all(c.opened for c in self.consumers.values())

    def consumer(
        self,
        durable: str,
        *messages: type[Message],
        raw: bool = False,
        batch: int = 100,
        unhurried: bool = False,
        ack_wait_s: float = 10.0,
    ) -> Consumer:
        """Registers the handler of a durable: all messages of the classes, in batches.

        The stream and the filter come from the catalogue; `raw` reads facts before redaction. The
        handler gets 1 to `batch` messages, commits, and returns: then they are acknowledged. It
        raises `Temporary` or `Permanent`; a batch that fails is retried in halves, down to one. Any
        number of processes share the durable. Delivery is at least once and in no order; what a
        killed process held comes back after `ack_wait_s`. Longer work is kept alive by itself.
        Where nobody waits for the result, `unhurried` lets single messages become batches.
        """
        stream, config = durable_of(durable, messages, raw=raw, batch=batch, ack_wait_s=ack_wait_s)
        if durable in self.consumers:
            raise ValueError(f"the durable {durable} is registered twice")

        def register(handler: BatchHandler) -> BatchHandler:
            settling = Settling(self._publisher.bury, self.tracer)
            broker = self._consuming()
            pace = Pace(batch, GATHER_S if unhurried else 0.0)
            subscriber = broker.batches(stream, config, pace, settling)
            self.consumers[durable] = subscriber
            subscriber(handler)
            return handler

        return register

    def responder(
        self, message: type[Message], *, key: str = "*", queue: str = ""
    ) -> Callable[[Answer], Answer]:
        """Registers who answers a request, from `start` on (see `serve`)."""

        def register(answer: Answer) -> Answer:
            self._answers.append((message, answer, key, queue))
            return answer

        return register

    async def serve(
        self,
        message: type[Message],
        answer: Answer,
        *,
        tenant: str = "*",
        key: str = "*",
        queue: str = "",
    ) -> Subscription:
        """Answers requests of a class (of one tenant, one key) from now on; a group `queue` shares.

        `answer` returns the catalogue's reply; what it raises reaches the asker as
        `Temporary` or `Permanent`. Requests are handled concurrently.
        """
        definition_of(message)

        async def on_request(request: Msg) -> None:
            self._replying.start(request, answer)

        subject = filter_of(message, tenant=tenant, key=key)
        return await self._client.subscribe(subject, queue=queue, cb=on_request)

    async def request(
        self, data: Message, reply: type[R], *, tenant: TenantId, key: str, timeout: float = 2.0
    ) -> R:
        """Asks, and returns the answer. Raises Unanswered (a Temporary), Temporary, Permanent.

        After Unanswered the request may have been carried out all the same.
        """
        if definition_of(type(data)).reply is not reply:
            raise ValueError(f"{type(data).__name__} is not answered by {reply.__name__}")
        of, about = current_traceparent(), _about(data, tenant, key)
        with self.tracer.span(f"request {about['destination']}", of, "client", **about):
            wire = to_wire(event(data, tenant, key))
            try:
                answer = await self._client.request(
                    wire.subject, wire.body, timeout=timeout, headers=wire.headers
                )
            except nats.errors.NoRespondersError as error:
                raise Unanswered("nobody answers") from error
            except (TimeoutError, nats.errors.Error) as error:
                raise Unanswered("no answer in time") from error
            return Replied.decode(answer, reply)

    async def publish(self, *events: Event[Any], raw: bool = False, within_s: float = 10.0) -> None:
        """Publishes to the events' streams; returns once all are stored. Raises Temporary.

        After Temporary some may be stored: publish the same ids again.
        """
        wires = [to_wire(item, raw=raw) async for item in in_turns(events)]
        await self.publish_wires(wires, within_s=within_s)

    async def publish_wires(self, wires: Sequence[Wire], *, within_s: float = 10.0) -> None:
        """As `publish`, of messages that are encoded already (an outbox)."""
        await self._publisher.publish(wires, within_s)

    async def subscribe(
        self,
        message: type[Message],
        listener: Listener,
        *,
        tenant: str = "*",
        key: str = "*",
        raw: bool = False,
    ) -> Subscription:
        """Calls `listener` for each message seen while subscribed; what is missed is missed."""

        async def on_message(seen: Msg) -> None:
            try:
                item = from_wire(seen.headers, seen.data, seen.subject)
            except Permanent:
                return
            with tracing(item.envelope.traceparent):
                await listener(Received(item.envelope, item.data, 1))

        return await self._client.subscribe(
            filter_of(message, raw=raw, key=key, tenant=tenant), cb=on_message
        )

    async def last(
        self, message: type[Message], tenant: TenantId, key: str, *, raw: bool = False
    ) -> Event[Any] | None:
        """The newest stored message of a class and key, or None. Raises Temporary."""
        subject = subject_of(message, tenant, key, raw=raw)
        stream = stream_of(message, raw=raw)
        try:
            found = await self._client.jetstream().get_last_msg(stream, subject)
        except nats.js.errors.NotFoundError:
            return None
        except (TimeoutError, nats.errors.Error) as error:
            raise Temporary("the bus does not answer") from error
        return from_wire(found.headers, found.data or b"", subject)

    async def stored_headers(self, stream: str, *subjects: str) -> list[dict[str, str]]:
        """The headers of every stored message that matches. Raises Temporary."""
        follower = Follower(self._client, stream, subjects, after=0, headers_only=True)
        try:
            return [dict(found.headers or {}) for found in await follower.so_far(within_s=10.0)]
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
            raise Temporary("the bus does not answer") from error
        finally:
            await follower.close()

    async def follow(
        self, stream: str, *subjects: str, after: int | None = None
    ) -> AsyncIterator[tuple[int, Event[Any]]]:
        """Stored messages in order, each with its sequence in the stream, for ever.

        `after` continues behind a sequence (0: from the oldest kept); None: only what is new.
        What cannot be decoded is left out.
        """
        follower = Follower(self._client, stream, subjects, after=after)
        try:
            async for batch in follower.batches():
                for found in batch:
                    try:
                        item = received(found)
                    except Permanent:
                        continue
                    yield found.metadata.sequence.stream, Event(item.envelope, item.data)
        finally:
            await follower.close()

    async def position(self, stream: str) -> int:
        """The sequence of the newest message a stream ever had: `follow` behind it for what is new.

        Raises Temporary.
        """
        try:
            info = await self._client.jetstream().stream_info(stream)
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
            raise Temporary("the bus does not answer") from error
        return info.state.last_seq

    def kv(self, bucket: str) -> KeyValue:
        """A key-value bucket of the catalogue."""
        return KeyValue(self._client, bucket)

    async def start(self) -> None:
        """Starts what was registered."""
        for message, answer, key, queue in self._answers:
            await self.serve(message, answer, key=key, queue=queue)
        if self._broker is not None:
            await self._broker.start()
        if self._answers:
            await self._subscribed()

    async def stop(self) -> None:
        """Finishes what is in hand, gives back the rest, and closes the connection."""
        self.stopping = True
        if self._broker is not None:
            await self._broker.stop()
        await self._replying.finish()
        await self._publisher.stop()
        await self._client.close()

    async def _subscribed(self) -> None:
        """Waits until the server knows every subscription, so that ready means answered; 2 s at
        most. The ping itself is never cancelled: nats-py's reader dies of a pong without a waiter.
        """
        ping = asyncio.ensure_future(self._client.flush(60))
        ping.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait({ping}, timeout=2)

    def _consuming(self) -> "SharedBroker":
        if self._broker is None:
            from callfunnel.infra.batches import SharedBroker

            self._broker = SharedBroker(self._client)
        return self._broker
