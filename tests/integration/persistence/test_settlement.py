"""Settlement on real services: sealed once, with everything or with what is missing."""

import json

from callfunnel.events.settled import CallRated, CallSettled, RecordingStored, TimelineCompleted
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.stored import stored
from tests.integration.features import running
from tests.simulators.made_up_call import MadeUpCall, whole_call
from tests.simulators.waiting import until
from workers.persistence.service import FEATURES
from workers.persistence.settlement import handlers


def parts(call: MadeUpCall) -> dict[str, object]:
    """What the workers behind the call say about it."""
    told = {
        "timeline": TimelineCompleted(last_seq=len(call.facts), digest="d"),
        "recording": RecordingStored(
            object_key="k", codec="flac", duration_ms=1, size=1, sha256="s", segments=1,
            missing_segments=0,
        ),
        "rated": CallRated(
            amount_micros=5, currency="USD", price_book="b", lines=1, complete=True
        ),
    }  # fmt: skip
    return {name: call.event(f"{call.call}-{name}", data) for name, data in told.items()}


async def sealings(bus, call: MadeUpCall) -> list:
    return await stored(bus, CallSettled, call.tenant, call.call)


async def sealed(bus, call: MadeUpCall, within_s: float = 15.0):
    async def there():
        return len(await sealings(bus, call)) == 1

    await until(there, "the record is sealed", within_s)
    return (await sealings(bus, call))[0].data


class Impatient:
    """Settlement as hosted, with a deadline that tests can wait for."""

    name = "settlement"

    def __init__(self, context, deadline_s: float) -> None:
        self._context = context
        self._deadline_s = deadline_s

    async def start(self) -> None:
        bus, pool = await self._context.bus("persistence"), await self._context.pool("persistence")
        outbox = Outbox("settlement", pool, bus)
        feature = handlers.Settlement(bus, pool, outbox, deadline_s=self._deadline_s)
        feature.register()
        await self._context.run(outbox, feature.deadlines)


async def test_the_last_part_seals_whatever_the_order(context, bus, tenant, view):
    call = whole_call(tenant)
    told = parts(call)
    async with running(FEATURES["settlement"](context())):
        await bus.publish(told["recording"], told["timeline"])
        await bus.publish(call.ended())
        await bus.publish(told["rated"])
        news = await sealed(bus, call)
    assert news.missing == []
    record = (await view(tenant, "api.records", call.call))[0]
    assert record["digest"] == news.digest
    assert json.loads(record["canonical"])["ended"]["cause"] == "caller_hangup"
    assert (await sealings(bus, call))[0].envelope.traceparent[3:35] == (
        call.facts[0].envelope.traceparent[3:35]
    )


async def test_past_its_deadline_a_record_is_sealed_with_what_is_missing(
    context, bus, tenant, view
):
    call = whole_call(tenant)
    told = parts(call)
    async with running(Impatient(context(), 0.5)):
        await bus.publish(call.ended(), told["timeline"])
        news = await sealed(bus, call)
        assert news.missing == ["recording", "usage"]
        await bus.publish(told["recording"])

        async def came_late():
            rows = await view(tenant, "api.records", call.call)
            return rows[0]["came_late"] == ["recording"]

        await until(came_late, "the late part is kept beside the record")
    record = (await view(tenant, "api.records", call.call))[0]
    assert (record["digest"], record["missing"]) == (news.digest, ["recording", "usage"])
    assert len(await sealings(bus, call)) == 1


async def test_a_record_whose_parts_are_held_up_waits_and_a_lost_workers_does_not(
    context, bus, tenant, monkeypatch
):
    monkeypatch.setattr("workers.persistence.settlement.store.UNKNOWN_DEADLINE_S", 0.3)
    monkeypatch.setattr("workers.persistence.settlement.handlers.UNKNOWN_DEADLINE_S", 0.3)
    counted, lost = whole_call(tenant), whole_call(tenant)
    async with running(FEATURES["settlement"](context())):
        await bus.publish(counted.ended(), lost.ended(segments=-1))
        assert (await sealed(bus, lost)).missing == ["timeline", "recording", "usage"]
        assert await sealings(bus, counted) == []
        await bus.publish(*parts(counted).values())
        assert (await sealed(bus, counted)).missing == []


async def test_two_processes_seal_every_record_once(context, bus, tenant):
    calls = [whole_call(tenant) for _ in range(20)]
    told = [parts(call) for call in calls]
    async with (
        running(FEATURES["settlement"](context())),
        running(FEATURES["settlement"](context())),
    ):
        await bus.publish(*(call.ended() for call in calls))
        for name in ("timeline", "recording", "rated"):
            await bus.publish(*(each[name] for each in told))
        news = [await sealed(bus, call) for call in calls]
    assert all(each.missing == [] for each in news)
    assert len({each.digest for each in news}) == len(calls)


async def test_a_deadline_outlives_the_process_that_wrote_it(start, context, bus, tenant):
    call = whole_call(tenant)
    async with running(Impatient(context(), 1.0)):
        await bus.publish(call.ended())
        pool = await context().pool("persistence")
        async with pool.connection() as connection:

            async def noted():
                found = await connection.execute("select tenant from settlement.due_tenants()")
                return (tenant,) in await found.fetchall()

            await until(noted, "the deadline is written")
        await pool.close()
    await start("settlement", "workers.persistence")
    assert (await sealed(bus, call, 20)).missing == ["timeline", "recording", "usage"]


async def test_what_every_part_told_again_after_sealing_changes_nothing(context, bus, tenant, view):
    call = whole_call(tenant)
    told = parts(call)
    async with running(FEATURES["settlement"](context())):
        await bus.publish(call.ended(), *told.values())
        await sealed(bus, call)
    before = await view(tenant, "api.records", call.call)
    await bus.client.jetstream().delete_consumer("CALLS", "settlement")
    other = whole_call(tenant)
    async with running(FEATURES["settlement"](context())):
        await bus.publish(other.ended(), *parts(other).values())
        await sealed(bus, other)
    assert await view(tenant, "api.records", call.call) == before
    assert len(await sealings(bus, call)) == 1
