"""What becomes of a delivered batch: acknowledged, tried again later, or put into DEAD.

The one place where `Temporary` and `Permanent` meet the bus. A batch that fails is retried in
halves, down to single messages, so that only the poison message suffers. Handlers commit first;
the acknowledgement follows.
"""

import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec
from nats.aio.msg import Msg

from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.events.envelope import Envelope, from_wire
from callfunnel.events.message import Message
from callfunnel.infra import retry_rules as rules
from callfunnel.infra.clock import unix_ns
from callfunnel.infra.lean import acknowledge, delivery_of
from callfunnel.infra.spans import Tracer
from callfunnel.infra.trace import tracing
from callfunnel.infra.turns import in_turns

D = TypeVar("D", bound=Message)
log = logging.getLogger(__name__)


class Received(msgspec.Struct, Generic[D], frozen=True):
    """A message as a handler gets it. `delivered` counts this delivery, from 1."""

    envelope: Envelope
    data: D
    delivered: int


Run = Callable[[list[Received[Any]]], Awaitable[None]]
Pair = tuple[Msg, Received[Any]]
Bury = Callable[[Msg, str], Awaitable[None]]


class SettlingStats(msgspec.Struct):
    """Counts since the start."""

    acknowledged: int = 0
    retried: int = 0
    buried: int = 0


class Settling:
    """Settles the batches of one durable.

    `bury` puts a message into DEAD and returns once it is stored. `hold_s` after a batch says how
    long to ask for nothing more, because what the handler depends on is down.
    """

    def __init__(self, bury: Bury, tracer: Tracer) -> None:
        self._tracer = tracer
        self.stats = SettlingStats()
        self.hold_s = 0.0
        self._temporary_in_a_row = 0
        self._bury = bury

    def current_stats(self) -> SettlingStats:
        """The counts, for whoever shows them."""
        return self.stats

    async def settle(self, batch: list[Msg], run: Run) -> None:
        """Has `run` handle the batch; returns once each message is settled in one way."""
        self.hold_s = 0.0
        good: list[Pair] = []
        async for message in in_turns(batch):
            try:
                good.append((message, received(message)))
            except Permanent as error:
                await self._fail(message, error)
        if good:
            began, known = unix_ns(), self.stats.acknowledged
            await self._try_together(good, run)
            self._trace(began, good, self.stats.acknowledged - known)

    def _trace(self, began: int, pairs: list[Pair], acknowledged: int) -> None:
        """One span for the batch, with a link to each call in it."""
        if self._tracer.on:
            durable = pairs[0][0].metadata.consumer
            self._tracer.batch(
                f"process {durable}",
                began,
                (item.envelope.traceparent for _, item in pairs),
                durable=durable,
                messages=len(pairs),
                outcome="done" if acknowledged == len(pairs) else "not all done",
            )

    async def _try_together(self, pairs: list[Pair], run: Run) -> None:
        try:
            await _traced(run, [item for _, item in pairs])
        except Exception as error:
            if len(pairs) == 1:
                await self._fail(pairs[0][0], error)
            else:
                await self._try_halves(pairs, run, error)
        else:
            await self._acknowledge([message for message, _ in pairs])

    async def _try_halves(self, pairs: list[Pair], run: Run, error: Exception) -> None:
        """Of a thousand messages one poison is found in ten steps, and the rest is handled."""
        middle = len(pairs) // 2
        for half in (pairs[:middle], pairs[middle:]):
            if self._is_down:
                for message, _ in half:
                    await self._again(message, error)
            else:
                await self._try_together(half, run)

    @property
    def _is_down(self) -> bool:
        """Whether it is the dependency that fails, and not this or that message."""
        return self._temporary_in_a_row >= rules.DEPENDENCY_DOWN_AFTER

    async def _acknowledge(self, messages: list[Msg]) -> None:
        self._temporary_in_a_row = 0
        await acknowledge(messages)
        self.stats.acknowledged += len(messages)

    async def _fail(self, message: Msg, error: Exception) -> None:
        delivered = message.metadata.num_delivered
        down = isinstance(error, Temporary)
        self._temporary_in_a_row = self._temporary_in_a_row + 1 if down else 0
        if not isinstance(error, Temporary | Permanent):
            log.error("handler failed", extra=_where(message, error))
        if rules.is_hopeless(error, delivered):
            await self._to_dead(message, error)
        else:
            await self._again(message, error)

    async def _to_dead(self, message: Msg, error: Exception) -> None:
        try:
            await self._bury(message, rules.reason_of(error))
        except Exception as trouble:
            log.error("dead letter not stored", extra=_where(message, trouble))
            await message.nak(delay=5.0)
            return
        await message.ack()
        self.stats.buried += 1

    async def _again(self, message: Msg, error: Exception) -> None:
        delivered = message.metadata.num_delivered
        wait = rules.retry_delay(rules.first_delay(error), delivered, random.random())
        if self._is_down:
            self.hold_s = max(self.hold_s, min(wait, 5.0))
        await message.nak(delay=wait)
        self.stats.retried += 1


async def _traced(run: Run, items: list[Received[Any]]) -> None:
    """A message handled alone is handled within its own trace."""
    with tracing(items[0].envelope.traceparent if len(items) == 1 else ""):
        await run(items)


def received(message: Msg) -> Received[Any]:
    """What the handler gets. Raises Permanent when it is no message of ours."""
    event = from_wire(message.headers, message.data, message.subject)
    return Received(event.envelope, event.data, delivery_of(message.reply))


def _where(message: Msg, error: Exception) -> dict[str, object]:
    """What a log may hold of a failure: never the message of a foreign exception."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_name}:{frame.tb_lineno}" if frame else ""
    return {
        "durable": message.metadata.consumer,
        "subject": message.subject,
        "error": type(error).__name__,
        "place": place,
    }
