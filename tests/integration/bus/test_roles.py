"""Each role on the embedded bus, with its own user: it can do its work, and no other's."""

import asyncio
from typing import Any

import pytest

from callfunnel.cli.dead import _on_the_bus
from callfunnel.domain.errors import Permanent
from callfunnel.domain.ids import TenantId
from callfunnel.events.call import CallerSpoke
from callfunnel.events.envelope import Event, to_wire
from callfunnel.events.streams import PINS, RAW, SLOTS
from callfunnel.events.usage import UsageMeasured
from callfunnel.infra.bus import Bus, Received, event
from callfunnel.infra.lease import Lease
from callfunnel.infra.mirror import Mirror
from callfunnel.infra.sealed import SealedSecrets
from callfunnel.infra.settings import PlatformSettings
from callfunnel.infra.spool import Spool
from tests.simulators.waiting import until


def spoken(tenant: TenantId, call: str) -> Event[Any]:
    data = CallerSpoke(turn=1, text="hello", start_ms=0, end_ms=1)
    return event(data, tenant, call, id=f"{call}-1", seq=1)


async def test_whoever_works_with_live_calls_leases_and_watches(
    platform: PlatformSettings, platform_secrets: SealedSecrets, tenant: TenantId
) -> None:
    for role in ("gateway", "media", "conductor"):
        bus = await Bus.connect(platform, role, platform_secrets)
        lease = Lease(bus.kv(SLOTS.name), f"{tenant}.{role}", ttl_s=1)
        assert await lease.acquire(b"{}"), role
        await lease.release()
        mirror = Mirror(bus.client, PINS.name)
        await asyncio.wait_for(mirror.start(), 5)
        await mirror.stop()
        await bus.stop()


async def test_what_media_spools_redaction_reads_and_publishes(
    platform: PlatformSettings,
    platform_secrets: SealedSecrets,
    tenant: TenantId,
    tmp_path: Any,
) -> None:
    media = await Bus.connect(platform, "media", platform_secrets)
    persistence = await Bus.connect(platform, "persistence", platform_secrets)
    seen: list[str] = []

    @persistence.consumer(f"test-{tenant[:20]}", CallerSpoke, raw=True)
    async def redact(batch: list[Received[CallerSpoke]]) -> None:
        mine = [item for item in batch if item.envelope.tenant == tenant]
        await persistence.publish(*(Event(item.envelope, item.data) for item in mine))
        seen.extend(item.envelope.id for item in mine)

    await persistence.start()
    spool = await Spool.open(tmp_path / "spool")
    await spool.send_through(media.client)
    wire = to_wire(spoken(tenant, "c_9"), raw=True)
    spool.emit(wire.id, wire.subject, wire.headers, wire.body)

    await until(lambda: seen == ["c_9-1"], "the redaction")
    found = await persistence.last(CallerSpoke, tenant, "c_9")
    assert found is not None
    await spool.close()
    await persistence.client.jetstream().delete_consumer(RAW.name, f"test-{tenant[:20]}")
    await persistence.stop()
    await media.stop()


@pytest.mark.parametrize("role", ["gateway", "media", "billing"])
async def test_who_has_no_work_with_raw_facts_cannot_read_them(
    platform: PlatformSettings, platform_secrets: SealedSecrets, tenant: TenantId, role: str
) -> None:
    writer = await Bus.connect(platform, "media", platform_secrets)
    await writer.publish(spoken(tenant, "c_1"), raw=True)
    await writer.stop()
    bus = await Bus.connect(platform, role, platform_secrets)

    with pytest.raises(TimeoutError):
        await bus.client.jetstream(timeout=0.3).get_last_msg(RAW.name, f"cf.{tenant}.raw.*.*")
    assert "permissions violation" in str(bus.client.last_error).lower()
    await bus.stop()


async def test_a_message_given_up_is_seen_by_the_command_line(
    platform: PlatformSettings, platform_secrets: SealedSecrets, tenant: TenantId
) -> None:
    bus = await Bus.connect(platform, "billing", platform_secrets)
    durable = f"test-{tenant[:20]}"

    @bus.consumer(durable, UsageMeasured)
    async def meter(batch: list[Received[UsageMeasured]]) -> None:
        if any(item.envelope.tenant == tenant for item in batch):
            raise Permanent("no such meter")

    await bus.start()
    usage = UsageMeasured(
        meter="m", quantity=1, unit="ms", provider="p", model="", source="measured", record="r"
    )
    media = await Bus.connect(platform, "media", platform_secrets)
    await media.publish(event(usage, tenant, "c_1", id=f"{tenant}-u"))
    await media.stop()

    async def listed() -> bool:
        found = await _on_the_bus(platform, lambda letters: letters.list(durable=durable))
        return f"{tenant}-u" in {letter.id for letter in found}  # others leave garbage, too

    try:
        await until(listed, "the dead letter")
        await bus.client.jetstream().delete_consumer("USAGE", durable)
    finally:
        await bus.stop()
