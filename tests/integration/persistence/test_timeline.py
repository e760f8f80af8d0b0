"""Timeline rows on real services: any order, any number of times, any number of processes."""

import random

import msgspec

from callfunnel.events.settled import TimelineCompleted
from callfunnel.infra.dead import DeadLetters
from callfunnel.infra.postgres import tenant_connection
from callfunnel.infra.stored import stored
from tests.integration.features import running
from tests.simulators.made_up_call import MadeUpCall, whole_call
from tests.simulators.waiting import until
from workers.persistence.service import FEATURES


async def facts_of(view, call: MadeUpCall) -> int:
    return len(await view(call.tenant, "api.timeline", call.call))


async def completions(bus, call: MadeUpCall) -> int:
    return len(await stored(bus, TimelineCompleted, call.tenant, call.call))


async def test_facts_in_any_order_and_twice_make_one_complete_timeline(context, bus, tenant, view):
    call = whole_call(tenant, facts=12)
    told = [*call.facts, call.ended()]
    shuffled = random.Random(7).sample(told, len(told))
    async with running(FEATURES["timeline"](context())):
        for event in shuffled:
            await bus.publish(event)

        async def complete():
            return await completions(bus, call) == 1

        await until(complete, "the timeline is complete")
    rows = await view(tenant, "api.timeline", call.call)
    by_seq = sorted((row for row in rows if row["seq"]), key=lambda row: row["seq"])
    assert [row["seq"] for row in by_seq] == list(range(1, 14))
    assert not any(row["late"] for row in rows)
    assert {row["customer"] for row in rows} == {"+15550102345"}


async def test_a_gap_keeps_the_timeline_open_until_it_is_filled(context, bus, tenant, view):
    call = whole_call(tenant, facts=6)
    async with running(FEATURES["timeline"](context())):
        await bus.publish(*call.facts[:3], *call.facts[4:], call.ended())

        async def stored_without_gap():
            return await facts_of(view, call) == 6

        await until(stored_without_gap, "what was told is stored")
        assert await completions(bus, call) == 0
        await bus.publish(call.facts[3])

        async def complete():
            return await completions(bus, call) == 1

        await until(complete, "the timeline is complete")


async def test_facts_beyond_the_end_are_kept_and_flagged(context, bus, tenant, view):
    call = whole_call(tenant, facts=6)
    end = call.ended(last_seq=4)
    async with running(FEATURES["timeline"](context())):
        await bus.publish(*call.facts[:4], end)

        async def complete():
            return await completions(bus, call) == 1

        await until(complete, "the timeline is complete")
        await bus.publish(*call.facts[4:])

        async def all_there():
            rows = await view(tenant, "api.timeline", call.call)
            return {row["seq"] for row in rows if row["late"]} == {5, 6}

        await until(all_there, "the late facts are there")
    assert await completions(bus, call) == 1


async def test_two_processes_complete_every_call_exactly_once(context, bus, tenant, view):
    calls = [whole_call(tenant, facts=20) for _ in range(15)]
    told = [event for call in calls for event in (*call.facts, call.ended())]
    random.Random(3).shuffle(told)
    async with (
        running(FEATURES["timeline"](context())),
        running(FEATURES["timeline"](context())),
    ):
        await bus.publish(*told)

        async def complete():
            return [await completions(bus, call) for call in calls] == [1] * len(calls)

        await until(complete, "every timeline is complete", within_s=20)
    shown = [(await view(tenant, "api.calls", call.call))[0] for call in calls]
    assert all(row["timeline_complete"] and row["state"] == "ended" for row in shown)


async def test_a_fact_that_no_row_can_hold_goes_to_dead_and_the_rest_is_stored(
    context, bus, tenant, view
):
    call = whole_call(tenant, facts=6)
    bad = call.facts[3]
    broken = msgspec.structs.replace(bad.envelope, id=f"{call.call}-bad", time="no time")
    async with running(FEATURES["timeline"](context())):
        await bus.publish(*call.facts[:3], type(bad)(broken, bad.data), *call.facts[3:])

        async def rest_is_there():
            return await facts_of(view, call) == 6

        await until(rest_is_there, "the rest is stored")

        async def buried():
            letters = await DeadLetters(bus.client).list(durable="timeline")
            return any(letter.id == f"{call.call}-bad" for letter in letters)

        await until(buried, "the bad one is in DEAD")


async def test_customers_are_who_was_on_the_line(context, bus, tenant, postgres):
    calls = [whole_call(tenant, facts=3) for _ in range(3)]
    pool = await postgres("gateway")
    async with running(FEATURES["timeline"](context())):
        await bus.publish(*(fact for call in calls for fact in call.facts))

        async def known():
            async with tenant_connection(pool, tenant) as connection:
                found = await connection.execute(
                    "select customer, calls from api.customers where tenant = %s", (tenant,)
                )
                return await found.fetchall() == [("+15550102345", 3)]

        await until(known, "the customer has three calls")
