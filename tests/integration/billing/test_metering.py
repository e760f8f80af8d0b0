"""Metering on real services: every record counts once, and the bill is exact or says it is not."""

import asyncio
import random

import pytest

from callfunnel.events.settled import CallRated, RecordingStored
from callfunnel.infra.bus import Received
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.postgres import tenant_connection
from callfunnel.infra.spans import OFF
from callfunnel.infra.stored import stored
from tests.integration.features import running
from tests.simulators.locked_rows import waiting
from tests.simulators.made_up_call import MadeUpCall, whole_call
from tests.simulators.waiting import until
from workers.billing.metering import handlers
from workers.billing.prices.files import read_prices
from workers.billing.service import FEATURES

RECORDED_MS = 2000
# 2 s of call (400), one tool call (500), 2 s of recording (83)
EXACT = 400 + 500 + 83


def recording(call: MadeUpCall):
    data = RecordingStored(
        object_key="k", codec="flac", duration_ms=RECORDED_MS, size=1, sha256="s", segments=2,
        missing_segments=0,
    )  # fmt: skip
    return call.event(f"{call.call}-recording", data)


async def ratings(bus, call: MadeUpCall) -> list:
    return await stored(bus, CallRated, call.tenant, call.call)


async def rated(bus, call: MadeUpCall, within_s: float = 15.0):
    async def there():
        return len(await ratings(bus, call)) == 1

    await until(there, "the call is rated", within_s)
    return (await ratings(bus, call))[0].data


class Impatient:
    """Metering as hosted, with a grace that tests can wait for."""

    name = "metering"

    def __init__(self, context, grace_s: float) -> None:
        self._context = context
        self._grace_s = grace_s

    async def start(self) -> None:
        bus, pool = await self._context.bus("billing"), await self._context.pool("billing")
        outbox = Outbox("metering", pool, bus)
        rate = read_prices().rate
        feature = handlers.Metering(bus, pool, outbox, rate, grace_s=self._grace_s)
        feature.register()
        await self._context.run(outbox, feature.deadlines)


@pytest.fixture
async def totals(postgres):
    """`await totals(tenant)`: what the tenant used of each meter, as the gateway sees it."""
    pool = await postgres("gateway")

    async def read(tenant) -> dict[str, tuple[int, int]]:
        async with tenant_connection(pool, tenant) as connection:
            found = await connection.execute(
                "select meter, quantity, records from api.usage_totals where tenant = %s", (tenant,)
            )
            return {
                meter: (quantity, records) for meter, quantity, records in await found.fetchall()
            }

    return read


async def test_a_call_is_rated_once_all_its_usage_is_there(context, bus, tenant, view, totals):
    call = whole_call(tenant)
    async with running(FEATURES["metering"](context())):
        await bus.publish(*call.usage)
        await bus.publish(call.ended(), recording(call))
        news = await rated(bus, call)
    assert (news.amount_micros, news.currency, news.complete, news.lines) == (EXACT, "USD", True, 3)
    lines = await view(tenant, "api.bill_lines", call.call)
    assert [line["line"] for line in lines] == [1, 2, 3]
    assert sum(line["amount_micros"] for line in lines) == EXACT
    assert "agent on the phone: 2.000 s x 0.012 USD per minute = 0.0004 USD" in {
        line["explanation"] for line in lines
    }
    assert await totals(tenant) == {
        "call.ms": (2000, 1), "tool.calls": (1, 1), "recording.ms": (2000, 1)
    }  # fmt: skip


async def test_usage_after_the_end_is_waited_for(context, bus, tenant):
    call = whole_call(tenant)
    async with running(FEATURES["metering"](context())):
        await bus.publish(recording(call), call.ended())
        assert await ratings(bus, call) == []
        await bus.publish(*call.usage)
        assert (await rated(bus, call)).complete


async def test_after_its_grace_a_call_is_rated_with_what_is_there_and_later_usage_adds_lines(
    context, bus, tenant, view
):
    call = whole_call(tenant)
    async with running(Impatient(context(), 0.5)):
        await bus.publish(call.usage[0])
        await bus.publish(call.ended(), recording(call))
        news = await rated(bus, call)
        assert (news.complete, news.amount_micros) == (False, EXACT - 500)
        await bus.publish(call.usage[1])

        async def billed():
            return len(await view(tenant, "api.bill_lines", call.call)) == 3

        await until(billed, "the late usage is billed")
    lines = await view(tenant, "api.bill_lines", call.call)
    assert sum(line["amount_micros"] for line in lines) == EXACT
    assert len(await ratings(bus, call)) == 1


async def test_a_lost_workers_call_is_rated_as_incomplete(context, bus, tenant):
    call = whole_call(tenant)
    async with running(Impatient(context(), 0.5)):
        await bus.publish(*call.usage)
        await bus.publish(call.ended(usage_records=-1), recording(call))
        news = await rated(bus, call)
    assert (news.complete, news.amount_micros) == (False, EXACT)


async def test_redelivering_everything_changes_nothing(context, bus, tenant, view, totals):
    calls = [whole_call(tenant) for _ in range(5)]
    told = [each for call in calls for each in (*call.usage, call.ended(), recording(call))]
    async with running(FEATURES["metering"](context())):
        await bus.publish(*told)
        for call in calls:
            await rated(bus, call)
    before = await totals(tenant), [await view(tenant, "api.bill_lines", c.call) for c in calls]
    jetstream = bus.client.jetstream()
    for stream, durable in (("USAGE", "metering"), ("CALLS", "metering-calls")):
        await jetstream.delete_consumer(stream, durable)
    last = whole_call(tenant)
    async with running(FEATURES["metering"](context())):
        await bus.publish(*last.usage, last.ended(), recording(last))
        await rated(bus, last)
    after, lines = (
        await totals(tenant),
        [await view(tenant, "api.bill_lines", c.call) for c in calls],
    )
    assert lines == before[1]
    assert after == {
        meter: (quantity * 6 // 5, records * 6 // 5)
        for meter, (quantity, records) in before[0].items()
    }


async def test_a_record_told_twice_in_one_batch_counts_once(context, bus, tenant, totals):
    call = MadeUpCall(tenant)
    for n in range(30):
        call.used("tool.calls", 1, "count", f"tc_{n % 10}")
    call.usage = call.usage[:10]
    jetstream = bus.client.jetstream()
    await bus.publish(*call.usage)
    async with running(FEATURES["metering"](context())):
        await bus.publish(call.ended(), recording(call))
        await rated(bus, call)
    await jetstream.delete_consumer("USAGE", "metering")
    async with running(FEATURES["metering"](context())):
        extra = MadeUpCall(tenant)
        extra.used("tool.calls", 7, "count", "tc")
        await bus.publish(*extra.usage, extra.ended(), recording(extra))
        await rated(bus, extra)
    assert (await totals(tenant))["tool.calls"] == (17, 11)


async def test_two_processes_count_and_rate_everything_once(context, bus, tenant, view, totals):
    calls = [whole_call(tenant) for _ in range(30)]
    told = [each for call in calls for each in (*call.usage, call.ended(), recording(call))]
    random.Random(5).shuffle(told)
    async with (
        running(FEATURES["metering"](context())),
        running(FEATURES["metering"](context())),
    ):
        await bus.publish(*told)
        news = [await rated(bus, call) for call in calls]
    assert {each.amount_micros for each in news} == {EXACT}
    assert (await totals(tenant))["tool.calls"] == (30, 30)


async def test_a_database_that_dies_meanwhile_loses_nothing(context, bus, tenant, stack, totals):
    call = whole_call(tenant)
    async with running(FEATURES["metering"](context())):
        stack.kill("postgres")
        try:
            await bus.publish(*call.usage, call.ended(), recording(call))
        finally:
            stack.restart("postgres")
        assert (await rated(bus, call, 40)).amount_micros == EXACT


class Consumers:
    """A bus that keeps the handlers, by durable, for a test to call."""

    tracer = OFF

    def __init__(self) -> None:
        self.of = {}

    def consumer(self, durable, *_messages, **_pace):
        return lambda handler: self.of.setdefault(durable, handler)


def received(*events):
    return [Received(each.envelope, each.data, 1) for each in events]


async def test_usage_and_ends_of_the_same_calls_wait_for_each_other_in_no_circle(postgres, tenant):
    pool, consumers = await postgres("billing"), Consumers()
    outbox = Outbox("metering", pool, consumers)
    handlers.Metering(consumers, pool, outbox, read_prices().rate).register()
    older, newer = sorted((whole_call(tenant), whole_call(tenant)), key=lambda each: each.call)
    count, close = consumers.of["metering"], consumers.of["metering-calls"]
    await count(received(older.usage[0]))

    async with tenant_connection(pool, tenant) as other:
        await other.execute(
            "select call from metering.calls where call = %s for update", (older.call,)
        )
        counting = asyncio.create_task(count(received(*older.usage, *newer.usage)))
        await waiting(other, 1)
        closing = asyncio.create_task(close(received(newer.ended(), recording(older))))
        await waiting(other, 2)
    await asyncio.gather(counting, closing)
