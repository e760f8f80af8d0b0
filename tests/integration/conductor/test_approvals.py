"""Approvals on the real services: the first decision wins, the tool acts once, time runs out."""

import asyncio

from callfunnel.domain.ids import TenantId
from callfunnel.events.approval import ApprovalClosed, ApprovalOpened
from callfunnel.events.requests import Accepted, DecideApproval
from callfunnel.infra.clock import fresh_id
from callfunnel.infra.postgres import tenant_connection
from tests.integration.conductor.conftest import DEMO
from tests.simulators.waiting import until

BIG = {"percent": 25, "months": 12}


async def decide(bus, tenant, approval, decision="approved", by="ann") -> Accepted:
    wanted = DecideApproval(decision=decision, by=by, via="api")
    return await bus.request(wanted, Accepted, tenant=tenant, key=approval, timeout=10)


async def told(bus, tenant, approval, kind=ApprovalClosed):
    async def there() -> bool:
        return await bus.last(kind, tenant, approval) is not None

    await until(there, f"{kind.__name__} on the bus")
    return (await bus.last(kind, tenant, approval)).data


async def effects(postgres, tenant):
    pool = await postgres("conductor")
    async with tenant_connection(pool, tenant) as connection:
        found = await connection.execute("select tool_call, tool, outcome from tools.effects")
        return await found.fetchall()


async def test_a_discount_above_the_limit_waits_for_a_person_and_acts_once_approved(
    conductor, put, run_tool, gateway_bus, media_bus, postgres, tenant
):
    await conductor()
    assert (await put()).ok
    pending = await run_tool("offer_discount", BIG, tool_call="tc_1")
    assert pending.outcome == "pending"
    assert "25 percent" in pending.what
    assert (await told(media_bus, tenant, pending.approval, ApprovalOpened)).limit
    assert await effects(postgres, tenant) == []
    assert (await decide(gateway_bus, tenant, pending.approval)).ok
    closed = await told(media_bus, tenant, pending.approval)
    assert (closed.decision, closed.by, closed.result["percent"]) == ("approved", "ann", 25)
    assert await effects(postgres, tenant) == [("tc_1", "offer_discount", "done")]


async def test_of_many_decisions_at_two_conductors_one_wins_and_the_rest_are_late(
    conductor, put, run_tool, gateway_bus, media_bus, postgres, tenant
):
    await conductor()
    await conductor()
    await put()
    pending = await run_tool("offer_discount", BIG)
    answers = await asyncio.gather(
        *(
            decide(gateway_bus, tenant, pending.approval, word, by=f"person-{n}")
            for n in range(6)
            for word in ("approved", "refused")
        )
    )
    assert sum(answer.ok for answer in answers) == 1
    assert {answer.reason for answer in answers if not answer.ok} == {"late"}
    closed = await told(media_bus, tenant, pending.approval)
    assert len(await effects(postgres, tenant)) == (closed.decision == "approved")


async def test_a_repeated_tool_call_opens_one_approval(conductor, put, run_tool, tenant):
    await conductor()
    await put()
    call, tool_call = fresh_id("c"), fresh_id("tc")
    answers = await asyncio.gather(
        *(run_tool("offer_discount", BIG, call=call, tool_call=tool_call) for _ in range(5))
    )
    assert len({answer.approval for answer in answers}) == 1


async def test_what_nobody_decides_expires_once_and_a_late_click_changes_nothing(
    conductor, put, run_tool, gateway_bus, media_bus, postgres, tenant
):
    await conductor()
    await put(DEMO.replace("expires_ms: 90000", "expires_ms: 1000"))
    pending = await run_tool("offer_discount", BIG)
    closed = await told(media_bus, tenant, pending.approval)
    assert closed.decision == "expired"
    late = await decide(gateway_bus, tenant, pending.approval)
    assert (late.ok, late.reason) == (False, "late")
    assert await effects(postgres, tenant) == []


async def test_an_approval_of_another_tenant_is_unknown(
    conductor, put, run_tool, gateway_bus, media_bus, tenant
):
    await conductor()
    await put()
    pending = await run_tool("offer_discount", BIG)
    other = await decide(gateway_bus, TenantId("somebody-else"), pending.approval)
    assert (other.ok, other.reason) == (False, "unknown")
    assert (await decide(gateway_bus, tenant, pending.approval, "refused")).ok


async def test_a_word_that_is_no_decision_is_refused(conductor, put, run_tool, gateway_bus, tenant):
    await conductor()
    await put()
    pending = await run_tool("offer_discount", BIG)
    answer = await decide(gateway_bus, tenant, pending.approval, "expired")
    assert (answer.ok, answer.reason) == (False, "invalid")
