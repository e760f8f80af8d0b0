"""Long work on a batch is known to the server, also after an outage, and while it lasts."""

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any

from nats.errors import OutboundBufferLimitError

from callfunnel.infra.batches import ContinuousBatchSubscriber
from tests.simulators.virtual_time import run

ACK_WAIT_S = 9.0


class Delivered:
    """A message in hand. `deaf`: a write swallows a cancellation, as nats-py's may."""

    def __init__(self, connection: Any, *, deaf: bool = False) -> None:
        self.is_acked = False
        self.said = 0
        self._connection = connection
        self._deaf = deaf

    async def in_progress(self) -> None:
        if self._connection.full:
            raise OutboundBufferLimitError
        self.said += 1
        if self._deaf:
            self._deaf = False
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)


def kept_alive(connection: Any, *batch: Delivered) -> contextlib.AbstractAsyncContextManager[None]:
    config = SimpleNamespace(ack_wait=ACK_WAIT_S)
    subscriber: Any = SimpleNamespace(config=config, connection=connection)
    pulling: Any = SimpleNamespace(waiting=[])
    messages: Any = list(batch)
    return ContinuousBatchSubscriber._kept_alive(subscriber, pulling, messages)


def test_long_work_goes_on_being_said_after_an_outage() -> None:
    async def scenario() -> tuple[int, int, int]:
        connection = SimpleNamespace(is_connected=True, full=False)
        message = Delivered(connection)
        async with kept_alive(connection, message):
            await asyncio.sleep(ACK_WAIT_S / 2)
            before = message.said
            connection.is_connected, connection.full = False, True
            await asyncio.sleep(60)
            meanwhile = message.said
            connection.is_connected = True
            await asyncio.sleep(ACK_WAIT_S)
            connection.full = False
            await asyncio.sleep(ACK_WAIT_S / 2)
        return before, meanwhile, message.said

    before, meanwhile, after = run(scenario())
    assert before == meanwhile == 1
    assert after > meanwhile


def test_nothing_is_said_of_a_batch_that_is_done() -> None:
    async def scenario() -> int:
        connection = SimpleNamespace(is_connected=True, full=False)
        message = Delivered(connection, deaf=True)
        async with kept_alive(connection, message):
            await asyncio.sleep(ACK_WAIT_S / 2)
        await asyncio.sleep(600)
        return message.said

    assert run(scenario()) == 1
