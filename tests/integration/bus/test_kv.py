"""Compare-and-set, expiry, mirrors and leases against a real server."""

import asyncio

import pytest
from nats.aio.client import Client

from callfunnel.infra.kv import KeyValue
from callfunnel.infra.lease import Lease, LeaseKeeper
from callfunnel.infra.mirror import Mirror
from callfunnel.infra.provision import BusSize, provision
from tests.integration.bus.nats_process import NatsProcess
from tests.simulators.waiting import until


@pytest.fixture
async def workers(client: Client) -> KeyValue:
    await provision(client, BusSize(streams=256 * 1024 * 1024))
    return KeyValue(client, "cf_workers")


async def test_of_many_creators_exactly_one_is_first(workers: KeyValue) -> None:
    answers = await asyncio.gather(*(workers.create("k", b"%d" % n) for n in range(20)))

    winners = [n for n, revision in enumerate(answers) if revision is not None]
    assert len(winners) == 1
    entry = await workers.get("k")
    assert entry is not None
    assert entry.value == b"%d" % winners[0]


async def test_a_replace_of_an_old_revision_changes_nothing(workers: KeyValue) -> None:
    first = await workers.create("k", b"1")
    assert first is not None
    assert await workers.replace("k", b"2", first) is not None

    assert await workers.replace("k", b"3", first) is None
    assert not await workers.delete("k", first)

    entry = await workers.get("k")
    assert entry is not None
    assert entry.value == b"2"


async def test_a_deleted_key_can_be_created_again_at_once(workers: KeyValue) -> None:
    await workers.create("k", b"1")
    assert await workers.delete("k")
    assert await workers.get("k") is None

    assert await workers.create("k", b"2") is not None


async def test_an_expired_key_is_gone_for_readers_and_free_for_writers(workers: KeyValue) -> None:
    await workers.create("k", b"1", ttl_s=1)

    async def gone() -> bool:
        return await workers.get("k") is None

    await until(gone, "expiry")
    assert await workers.create("k", b"2", ttl_s=1) is not None


async def test_a_renewed_lease_still_expires(workers: KeyValue) -> None:
    lease = Lease(workers, "w", ttl_s=1, margin_s=0.2)
    assert await lease.acquire(b"1")
    assert await lease.renew(b"2")
    assert lease.holds

    async def gone() -> bool:
        return await workers.get("w") is None

    await until(gone, "expiry of the renewed lease")
    assert not lease.holds
    assert not await lease.renew(b"3")


async def test_a_mirror_shows_creation_change_deletion_and_expiry(
    client: Client, workers: KeyValue
) -> None:
    await workers.create("before", b"0")
    await workers.create("gone", b"0")
    await workers.delete("gone")
    mirror = Mirror(client, "cf_workers")
    await mirror.start()
    assert set(mirror.entries) == {"before"}

    first = await workers.create("a.b", b"1", ttl_s=1)
    await until(lambda: "a.b" in mirror.entries, "the new key")
    assert first is not None
    await workers.replace("a.b", b"2", first, ttl_s=1, epoch=first)
    await until(lambda: mirror.entries["a.b"].value == b"2", "the change")
    assert mirror.entries["a.b"].epoch == first
    await until(lambda: "a.b" not in mirror.entries, "the expiry")
    await workers.delete("before")
    await until(lambda: not mirror.entries, "the deletion")
    await mirror.stop()


async def test_a_mirror_of_an_empty_bucket_is_fresh_at_once(
    client: Client, workers: KeyValue
) -> None:
    mirror = Mirror(client, workers.bucket)
    await asyncio.wait_for(mirror.start(), 5)
    assert mirror.entries == {}
    await mirror.stop()


async def test_a_mirror_is_right_again_after_an_outage(
    server: NatsProcess, client: Client, workers: KeyValue
) -> None:
    await workers.create("stays", b"1")
    await workers.create("expires", b"1", ttl_s=1)
    mirror = Mirror(client, "cf_workers")
    await mirror.start()

    server.kill()
    server.start()
    await until(lambda: client.stats["reconnects"] > 0 and client.is_connected, "the reconnect")
    await workers.create("new", b"1")

    await until(lambda: set(mirror.entries) == {"stays", "new"}, "the new picture", 20)
    await mirror.stop()


async def test_a_named_holder_takes_over_from_its_predecessor_under_a_new_epoch(
    workers: KeyValue,
) -> None:
    old = Lease(workers, "media-1", named=True)
    assert await old.acquire(b"old")
    new = Lease(workers, "media-1", named=True)
    assert await new.acquire(b"new")

    assert new.epoch > old.epoch
    assert not await old.renew(b"old"), "the predecessor must notice"


async def test_a_named_holder_comes_back_under_its_epoch_after_the_entry_expired(
    workers: KeyValue,
) -> None:
    lease = Lease(workers, "media-1", ttl_s=1, named=True)
    assert await lease.acquire(b"1")
    epoch = lease.epoch

    async def gone() -> bool:
        return await workers.get("media-1") is None

    await until(gone, "expiry")
    assert await lease.renew(b"2")
    entry = await workers.get("media-1")
    assert entry is not None
    assert entry.epoch == lease.epoch == epoch


async def test_a_kept_lease_outlives_its_term_and_is_free_at_once_when_released(
    workers: KeyValue,
) -> None:
    lost: list[bool] = []
    lease = Lease(workers, "leader", ttl_s=1, margin_s=0.2)
    assert await lease.acquire(b"0")
    values = iter(range(1000))
    keeper = LeaseKeeper(
        lease, lambda: b"%d" % next(values), lambda: lost.append(True), lambda: None
    )
    keeper.start()

    async def renewed_often() -> bool:
        entry = await workers.get("leader")
        return entry is not None and int(entry.value) >= 5

    await until(renewed_often, "five renewals")
    assert lease.holds
    await keeper.stop()

    assert await Lease(workers, "leader", ttl_s=1).acquire(b"x")
    assert not lost
