"""The outbox: what a committed transaction promised is told, whatever happens after the commit."""

import pytest

from callfunnel.events.settled import TimelineCompleted
from callfunnel.infra.bus import Bus, event
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.postgres import tenant_connection
from callfunnel.infra.stored import stored
from tests.simulators.made_up_call import MadeUpCall
from tests.simulators.waiting import until


class Promise:
    """One event in the outbox of the timeline."""

    def __init__(self, tenant, bus, pool) -> None:
        self.call = MadeUpCall(tenant).call
        self.tenant, self.bus, self.pool = tenant, bus, pool
        self.outbox = Outbox("timeline", pool, bus)

    async def make(self, *, fail: bool = False) -> None:
        news = TimelineCompleted(last_seq=1, digest="d")
        told = event(news, self.tenant, self.call, id=f"{self.call}-timeline")
        async with tenant_connection(self.pool, self.tenant) as connection:
            await self.outbox.put(self.tenant, connection, [told])
            if fail:
                raise RuntimeError

    async def told(self) -> bool:
        return len(await stored(self.bus, TimelineCompleted, self.tenant, self.call)) == 1

    async def kept(self) -> int:
        async with tenant_connection(self.pool, self.tenant) as connection:
            found = await connection.execute("select count(*) from timeline.outbox")
            return (await found.fetchone())[0]


@pytest.fixture
async def promise(platform, platform_secrets, postgres, tenant):
    bus = await Bus.connect(platform, "persistence", platform_secrets)
    made = Promise(tenant, bus, await postgres("persistence"))
    yield made
    await made.outbox.stop()
    await bus.stop()


async def test_what_was_promised_is_told_and_forgotten(promise):
    await promise.outbox.start()
    await promise.make()
    promise.outbox.wake(promise.tenant)
    await until(promise.told, "it is told")

    async def forgotten():
        return await promise.kept() == 0

    await until(forgotten, "the row is gone")


async def test_what_a_dead_process_promised_is_told_by_another(promise):
    await promise.make()
    other = Outbox("timeline", promise.pool, promise.bus)
    await other.start()
    await until(promise.told, "it is told")
    await other.stop()


async def test_a_transaction_that_fails_promises_nothing(promise):
    with pytest.raises(RuntimeError):
        await promise.make(fail=True)
    assert await promise.kept() == 0


async def test_while_the_bus_is_down_promises_wait(promise, stack):
    await promise.outbox.start()
    stack.kill("nats")
    try:
        await promise.make()
        promise.outbox.wake(promise.tenant)
        assert await promise.kept() == 1
    finally:
        stack.restart("nats")
    await until(promise.told, "it is told", within_s=40)


async def test_two_senders_tell_each_promise_once(promise):
    for _ in range(5):
        await promise.make()
    others = [Outbox("timeline", promise.pool, promise.bus) for _ in range(2)]
    for other in others:
        await other.start()
    await until(promise.told, "it is told")
    for other in others:
        await other.stop()


def test_a_schema_is_a_plain_name():
    with pytest.raises(ValueError, match="no schema"):
        Outbox("timeline; drop", None, None)
