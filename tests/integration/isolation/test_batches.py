"""A batch of two tenants' messages: one transaction, and not a row of one in the other's.

Both tenants have a call of the same id, which no real call has: whatever looked at the call alone
would mix them up.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from callfunnel.domain.errors import Permanent
from callfunnel.domain.ids import TenantId
from callfunnel.domain.usage import Bill, BillLine, Used
from callfunnel.infra.postgres import (
    Connection,
    Pool,
    connect_pool,
    tenant_connection,
    tenants_connection,
)
from tests.integration.conftest import PoolOf
from tests.simulators.locked_rows import waiting
from tests.simulators.made_up_call import whole_call
from workers.billing.metering import store as metering
from workers.billing.metering.rules import usage_row
from workers.persistence.recordings import store as recordings
from workers.persistence.settlement import store as settlement
from workers.persistence.settlement.rules import Sealed
from workers.persistence.timeline import store as timeline
from workers.persistence.timeline.rules import row_of

CALL = "c_the_same"
END = {"call": CALL, "segments": 1, "duration_ms": 1000, "traceparent": ""}
LOCK = "select call from timeline.calls where call = %s for update"
EVENTS = "select tenant from timeline.events where call = %s order by tenant"


@pytest.fixture
async def both(tenant: TenantId) -> tuple[TenantId, TenantId]:
    """Two tenants that no other test has, in order."""
    return TenantId(f"{tenant}-a"), TenantId(f"{tenant}-b")


@pytest.fixture
async def persistence(postgres: PoolOf) -> Pool:
    return await postgres("persistence")


@pytest.fixture
async def billing(postgres: PoolOf) -> Pool:
    return await postgres("billing")


@pytest.fixture
async def one_connection(platform: Any, platform_secrets: Any) -> AsyncIterator[Pool]:
    """A pool whose next user gets the connection of the last."""
    pool = await connect_pool(platform, "persistence", platform_secrets, size=1)
    yield pool
    await pool.close()


def facts_of(tenant: TenantId, count: int) -> list[Any]:
    call = whole_call(tenant, facts=count)
    call.call = CALL
    told = [call.event(f"{CALL}-{n}", fact.data, n) for n, fact in enumerate(call.facts, 1)]
    return [row_of(each.envelope, each.data) for each in [*told, call.ended()]]


async def rows(connection: Connection, query: str, *values: Any) -> list[Any]:
    return [row[0] for row in await (await connection.execute(query, values)).fetchall()]


async def test_a_transaction_sees_the_tenants_it_named_and_no_other(
    one_connection: Pool, both: tuple[TenantId, TenantId], tenant: TenantId
) -> None:
    every = {each: facts_of(each, 3) for each in (*both, tenant)}
    await timeline.store(every, one_connection)
    async with one_connection.connection() as connection:
        assert await rows(connection, EVENTS, CALL) == []
    async with tenants_connection(one_connection, both) as connection:
        assert set(await rows(connection, EVENTS, CALL)) == set(both)
    async with tenant_connection(one_connection, tenant) as connection:
        assert set(await rows(connection, EVENTS, CALL)) == {tenant}
    async with one_connection.connection() as connection:
        assert await rows(connection, EVENTS, CALL) == []


async def test_a_row_of_a_tenant_that_was_not_named_is_refused(
    persistence: Pool, both: tuple[TenantId, TenantId], tenant: TenantId
) -> None:
    with pytest.raises(Permanent, match="row-level security"):
        await timeline.store(dict.fromkeys(both, facts_of(tenant, 3)), persistence)
    with pytest.raises(Permanent, match="row-level security"):
        async with tenants_connection(persistence, both) as connection:
            await recordings.wait({tenant: [END]}, connection)


async def test_a_statement_that_fails_unread_undoes_its_batch_and_harms_no_next_one(
    one_connection: Pool, both: tuple[TenantId, TenantId]
) -> None:
    async def stored_and_failed() -> None:
        async with tenants_connection(one_connection, both) as connection:
            await recordings.wait({each: [END] for each in both}, connection)
            await connection.execute("select 1 / 0")

    with pytest.raises(Permanent, match="22012"):
        await stored_and_failed()
    async with tenants_connection(one_connection, both) as connection:
        assert await rows(connection, "select tenant from recordings.waiting") == []


async def test_the_gateway_names_tenants_in_vain(
    postgres: PoolOf, persistence: Pool, both: tuple[TenantId, TenantId]
) -> None:
    await timeline.store({each: facts_of(each, 3) for each in both}, persistence)
    async with tenants_connection(await postgres("gateway"), both) as connection:
        assert await rows(connection, "select tenant from api.calls") == []


async def test_a_timeline_is_complete_for_the_tenant_whose_facts_are_all_there(
    persistence: Pool, both: tuple[TenantId, TenantId]
) -> None:
    whole, gap = facts_of(both[0], 3), facts_of(both[1], 5)
    del gap[1]
    ended = await timeline.store({both[0]: whole, both[1]: gap}, persistence)
    assert {place: len(facts) for place, facts in ended.items()} == {
        (both[0], CALL): len(whole),
        (both[1], CALL): len(gap),
    }
    async with tenants_connection(persistence, both) as connection:
        marked = await timeline.complete({(both[0], CALL): "digest"}, connection)
        assert marked == {(both[0], CALL)}
        done = "select tenant from timeline.calls where completed_at is not null"
        assert await rows(connection, done) == [both[0]]
    again = await timeline.store({both[0]: whole, both[1]: gap}, persistence)
    assert list(again) == [(both[1], CALL)]


async def test_of_two_that_store_the_last_missing_facts_at_once_one_sees_both(
    persistence: Pool, tenant: TenantId
) -> None:
    for n in range(40):
        facts = [replace(row, call=f"{CALL}-{n}") for row in facts_of(tenant, 8)]
        await timeline.store({tenant: facts[:-2]}, persistence)
        halves = await asyncio.gather(
            timeline.store({tenant: facts[-2:-1]}, persistence),
            timeline.store({tenant: facts[-1:]}, persistence),
        )
        seen = [len(found) for ended in halves for found in ended.values()]
        assert max(seen, default=0) == len(facts)


async def test_a_timeline_that_waits_to_be_marked_holds_up_no_other(
    persistence: Pool, tenant: TenantId
) -> None:
    first, second = f"{CALL}-1", f"{CALL}-2"
    for call in (second, first):
        told = [replace(row, call=call) for row in facts_of(tenant, 3)]
        await timeline.store({tenant: told}, persistence)

    async def mark() -> set[timeline.Place]:
        digests = dict.fromkeys([(tenant, second), (tenant, first)], "digest")
        async with tenants_connection(persistence, [tenant]) as connection:
            return await timeline.complete(digests, connection)

    async with tenant_connection(persistence, tenant) as other:
        await other.execute(LOCK, (first,))
        marking = asyncio.create_task(mark())
        await waiting(other, 1)
        await other.execute(LOCK, (second,))
        await other.execute(
            "update timeline.calls set completed_at = now() where call = %s", (first,)
        )
    assert await marking == {(tenant, second)}


async def test_usage_of_the_same_call_is_counted_and_billed_apart(
    billing: Pool, both: tuple[TenantId, TenantId]
) -> None:
    usage: dict[TenantId, Any] = {}
    for times, each in enumerate(both, 1):
        call = whole_call(each, seconds=times)
        call.call = CALL
        told = [call.event(f"u-{n}", record.data) for n, record in enumerate(call.usage)]
        usage[each] = [usage_row(item.envelope, item.data) for item in told]
    places = [(each, CALL) for each in both]
    ends = [{"call": CALL, "expected": 2, "at": "2026-01-01T00:00:00Z", "traceparent": ""}]
    async with tenants_connection(billing, both) as connection:
        seen = await metering.add(usage, connection)
        assert [(each.tenant, each.arrived) for each in seen] == [(each, 2) for each in both]
        await metering.close({both[0]: ends}, [places[0]], connection, 60.0)
        assert list(await metering.claim(places, connection)) == [places[0]]
        used = await metering.unbilled(places, connection)
        spoken = [next(u.quantity for u in used[p] if u.meter == "call.ms") for p in places]
        assert spoken == [1000, 2000]
        await metering.bill({places[0]: (1, bill_of(used[places[0]]))}, connection)
        assert list(await metering.unbilled(places, connection)) == [places[1]]
        owners = "select distinct tenant from metering.bill_lines"
        assert await rows(connection, owners) == [both[0]]


def bill_of(used: list[Used]) -> Bill:
    lines = tuple(BillLine(each, 1, 1, 1, "as measured") for each in used)
    return Bill(lines=lines, currency="USD", price_book="2026-01")


async def test_a_record_is_sealed_for_the_tenant_whose_parts_are_all_there(
    persistence: Pool, both: tuple[TenantId, TenantId]
) -> None:
    def parts(*names: str) -> list[dict[str, Any]]:
        return [{"call": CALL, "part": name, "data": {}, "traceparent": ""} for name in names]

    told = {
        both[0]: parts("ended", "timeline", "recording", "rated"),
        both[1]: parts("ended", "timeline"),
    }
    async with tenants_connection(persistence, both) as connection:
        ready = await settlement.add(told, connection, 60.0)
        assert [(each.tenant, each.call) for each in ready] == [(both[0], CALL)]
        record = Sealed("{}", "digest", ())
        await settlement.seal({(both[0], CALL): record}, connection, "2026-01-01T00:00:00Z")
        sealed = "select tenant from settlement.records where sealed_at is not null"
        assert await rows(connection, sealed) == [both[0]]
        waiting = "select tenant from settlement.deadlines"
        assert await rows(connection, waiting) == [both[1]]


async def test_ended_calls_wait_for_their_own_recordings(
    persistence: Pool, both: tuple[TenantId, TenantId]
) -> None:
    async with tenants_connection(persistence, both) as connection:
        await recordings.wait({each: [END] for each in both}, connection)
        await recordings.done(both[0], connection, CALL)
        assert await rows(connection, "select tenant from recordings.waiting") == [both[1]]
