"""Tools on the real services: each effect once, nothing kept that must not be."""

import asyncio

from callfunnel.infra.clock import fresh_id
from callfunnel.infra.postgres import tenant_connection
from tests.integration.conductor.conftest import DEMO, row_text


async def rows(postgres, tenant):
    pool = await postgres("conductor")
    async with tenant_connection(pool, tenant) as connection:
        found = await connection.execute(
            "select tool_call, tool, arguments, result from tools.effects"
        )
        return await found.fetchall()


async def test_the_customer_is_looked_up_by_the_number_they_call_from(conductor, put, run_tool):
    await conductor()
    await put()
    found = await run_tool("find_customer")
    assert (found.outcome, found.result["name"]) == ("done", "Alex Morgan")


async def test_a_repeated_tool_call_has_one_effect_also_at_two_conductors(
    conductor, put, run_tool, postgres, tenant
):
    await conductor()
    await conductor()
    await put()
    call, tool_call = fresh_id("c"), fresh_id("tc")
    small = {"percent": 10, "months": 12}
    answers = await asyncio.gather(
        *(run_tool("offer_discount", small, call=call, tool_call=tool_call) for _ in range(8))
    )
    assert {answer.outcome for answer in answers} == {"done"}
    assert len(await rows(postgres, tenant)) == 1


async def test_a_tool_outside_the_rule_book_or_its_schema_fails_with_a_reason(
    conductor, put, run_tool
):
    await conductor()
    await put()
    for tool, arguments in (("drop_table", {}), ("offer_discount", {"percent": 99, "months": 1})):
        answer = await run_tool(tool, arguments)
        assert answer.outcome == "failed"
        assert answer.result["error"]


async def test_a_version_that_was_never_published_gives_no_tools(conductor, put, run_tool):
    await conductor()
    await put()
    assert (await run_tool("find_customer", version=7)).outcome == "failed"


async def test_a_card_number_in_arguments_is_in_no_row(conductor, put, run_tool, postgres, tenant):
    await conductor()
    await put()
    await run_tool("book_callback", {"day": "my card is 4111 1111 1111 1111", "time": "at three"})
    kept = row_text(await rows(postgres, tenant))
    assert "4111" not in kept
    assert "CARD" in kept


async def test_a_card_number_in_a_result_is_told_to_the_call_and_in_no_row(
    conductor, put, run_tool, postgres, tenant
):
    await conductor()
    why = "reason: the welcome discount of the first year ended on the first of the month"
    await put(DEMO.replace(why, "reason: card 4111 1111 1111 1111 was declined"))
    call, tool_call = fresh_id("c"), fresh_id("tc")
    told = await run_tool("find_customer", call=call, tool_call=tool_call)
    assert "4111 1111" in told.result["reason"]
    kept = await rows(postgres, tenant)
    assert "4111" not in row_text(kept)
    assert "CARD" in row_text(kept)
    again = await run_tool("find_customer", call=call, tool_call=tool_call)
    assert again.result == kept[0][3]


async def test_a_number_that_somebody_will_dial_is_kept(conductor, put, run_tool, postgres, tenant):
    await conductor()
    await put()
    booked = await run_tool("book_callback", {"day": "monday", "time": "noon"})
    handed = await run_tool("transfer_to_person")
    results = {row[1]: row[3] for row in await rows(postgres, tenant)}
    assert results["book_callback"] == booked.result
    assert results["transfer_to_person"] == handed.result == {"transfer": "+15550100900"}
