"""kill -9 in the middle of everything: what one process began, another finishes, once."""

from tests.simulators.made_up_call import MadeUpCall, tell, whole_call
from tests.simulators.waiting import until

BEHIND = ("workers.persistence", "workers.billing")
CALLS, FACTS, RECORDS, SECONDS = 25, 30, 20, 3


def talk(tenant) -> MadeUpCall:
    call = whole_call(tenant, seconds=SECONDS, facts=FACTS)
    for n in range(RECORDS - len(call.usage)):
        call.used("tool.calls", 1, "count", f"tc_more_{n}")
    return call


async def test_a_process_killed_while_it_redacts_writes_counts_and_records_loses_nothing(
    start, bus, tenant, view
):
    calls = [talk(tenant) for _ in range(CALLS)]
    first = await start("all", *BEHIND)
    for call in calls:
        await tell(bus, call, call.ended())

    async def begun():
        return bool(await view(tenant, "api.recordings", calls[0].call))

    await until(begun, "something is written", within_s=30)
    first.kill()
    left = [call for call in calls if not await view(tenant, "api.records", call.call)]
    assert left, "it was killed too late to prove anything"
    await start("all", *BEHIND)

    async def settled():
        rows = [await view(tenant, "api.calls", call.call) for call in calls]
        return all(row and row[0]["settled"] for row in rows)

    await until(settled, "every record is sealed", within_s=60)
    for call in calls:
        shown = (await view(tenant, "api.calls", call.call))[0]
        assert (shown["missing"], shown["recording_ms"]) == ([], SECONDS * 1000)
        facts = await view(tenant, "api.timeline", call.call)
        assert sorted(fact["seq"] for fact in facts if fact["seq"]) == [*range(1, FACTS + 2)]
        assert sum(fact["name"] == "settled" for fact in facts) == 1
        lines = await view(tenant, "api.bill_lines", call.call)
        assert sum(line["records"] for line in lines) == RECORDS + 1
        assert sum(line["amount_micros"] for line in lines) == shown["amount_micros"]
