"""Rule books on the real services: versions, refusals, the registry, and the file a user edits."""

import asyncio

import msgspec

from callfunnel.domain.rulebook import PublishedRulebook
from callfunnel.events.streams import RULEBOOKS
from callfunnel.infra.postgres import tenant_connection
from tests.integration.conductor.conftest import AGENT, DEMO
from tests.simulators.waiting import until
from workers.conductor.rulebooks.files import Watch
from workers.conductor.rulebooks.handlers import Rulebooks
from workers.conductor.tools.kinds import KINDS

_UNREADABLE = """
insert into rulebooks.versions (tenant, agent, version, document, rulebook, digest, published_by)
values (%s, 'a-first-one', 1, '', '{}', '', 'u_1')
"""
SETTINGS = {name: kind.settings for name, kind in KINDS.items()}


async def in_registry(bus, tenant) -> PublishedRulebook | None:
    entry = await bus.kv(RULEBOOKS.name).get(f"{tenant}.{AGENT}")
    return entry and msgspec.json.decode(entry.value, type=PublishedRulebook)


async def kept_problems(pool, tenant) -> bool:
    async with tenant_connection(pool, tenant) as connection:
        found = await connection.execute("select problems from rulebooks.problems")
        return await found.fetchone() is not None


async def test_each_change_is_a_version_and_calls_find_the_newest(
    conductor, put, gateway_bus, tenant
):
    await conductor()
    assert (await put()).version == 1
    assert (await put()).version == 1
    changed = await put(DEMO.replace("How can I help you today?", "What can I do for you?"))
    assert changed.version == 2
    shown = await in_registry(gateway_bus, tenant)
    assert (shown.version, "What can I do" in shown.rulebook.greeting) == (2, True)


async def test_what_is_no_rule_book_gives_way_to_one(conductor, put, gateway_bus, tenant):
    context = await conductor()
    bus = await context.bus("conductor")
    await bus.kv(RULEBOOKS.name).put(f"{tenant}.{AGENT}", b'{"type":"garbage"}')
    assert (await put()).ok
    assert (await in_registry(gateway_bus, tenant)).version == 1


async def test_an_invalid_document_is_refused_line_by_line_and_the_old_one_stays(
    conductor, put, gateway_bus, tenant
):
    context = await conductor()
    await put()
    refused = await put(DEMO.replace("kind: offer", "kind: ofer"))
    assert not refused.ok
    assert refused.errors[0]["line"] == DEMO[: DEMO.index("kind: offer")].count("\n") + 1
    assert (await in_registry(gateway_bus, tenant)).version == 1
    assert not await kept_problems(await context.pool("conductor"), tenant), "who asked was told"


async def test_a_row_that_no_longer_reads_keeps_no_other_agent_from_being_shown(
    conductor, put, gateway_bus, tenant
):
    first = await conductor()
    await put()
    bus, pool = await first.bus("conductor"), await first.pool("conductor")
    async with tenant_connection(pool, tenant) as connection:
        await connection.execute(_UNREADABLE, (tenant,))
    await bus.kv(RULEBOOKS.name).delete(f"{tenant}.{AGENT}")
    await Rulebooks(bus, pool, SETTINGS).show_all()
    assert (await in_registry(gateway_bus, tenant)).version == 1


async def test_many_publishers_at_once_leave_one_line_of_versions(
    conductor, put, gateway_bus, tenant
):
    await conductor()
    await conductor()
    documents = [DEMO.replace("today?", f"today, number {n}?") for n in range(8)]
    stored = await asyncio.gather(*(put(document) for document in documents))
    assert sorted(answer.version for answer in stored) == list(range(1, 9))
    assert (await in_registry(gateway_bus, tenant)).version == 8


async def test_an_edited_file_is_used_and_a_mistake_in_it_is_not(
    conductor, gateway_bus, postgres, tenant, tmp_path
):
    context = await conductor()
    bus, pool = await context.bus("conductor"), await context.pool("conductor")
    path = tmp_path / f"{AGENT}.yaml"
    path.write_text(DEMO)
    watch = Watch(tmp_path, tenant, Rulebooks(bus, pool, SETTINGS, lambda *_: path))
    await watch.start()
    try:
        assert (await in_registry(gateway_bus, tenant)).version == 1
        path.write_text(DEMO.replace("kind: offer", "kind: ofer"))

        await until(lambda: kept_problems(pool, tenant), "the mistake is kept for the API")
        assert (await in_registry(gateway_bus, tenant)).version == 1
        path.write_text(DEMO.replace("today?", "now?"))

        async def used() -> bool:
            return (await in_registry(gateway_bus, tenant)).version == 2

        await until(used, "the edit is in use")
        assert not await kept_problems(pool, tenant)
    finally:
        await watch.stop()
