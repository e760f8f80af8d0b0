"""Provisioning against a real server."""

from unittest.mock import patch

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import ServiceUnavailableError

from callfunnel.domain.errors import Temporary
from callfunnel.events.streams import BUCKETS, PINS, SLOTS, STREAMS
from callfunnel.infra.kv import KeyValue
from callfunnel.infra.provision import BusSize, prove_storage, provision


async def test_everything_is_made_once_and_left_alone_afterwards(client: Client) -> None:
    made = await provision(client, BusSize(streams=512 * 1024 * 1024))
    again = await provision(client, BusSize(streams=512 * 1024 * 1024))

    assert set(made) == {s.name for s in STREAMS} | {f"KV_{b.name}" for b in BUCKETS}
    assert again == []


async def test_a_new_size_reaches_the_server_and_keeps_the_messages(client: Client) -> None:
    await provision(client, BusSize(streams=512 * 1024 * 1024))
    await client.jetstream().publish("cf.demo.usage.c_1.measured", b"{}")

    changed = await provision(client, BusSize(streams=1024 * 1024 * 1024))

    assert set(changed) == {s.name for s in STREAMS}
    info = await client.jetstream().stream_info("USAGE")
    assert info.config.max_bytes == 1024 * 1024 * 1024 // 10
    assert info.state.messages == 1


async def test_a_server_that_stores_proves_it_and_nothing_is_left_behind(client: Client) -> None:
    await provision(client, BusSize(streams=512 * 1024 * 1024))
    before = {info.config.name for info in await client.jetstream().streams_info()}
    await prove_storage(client)
    assert {info.config.name for info in await client.jetstream().streams_info()} == before


async def test_a_server_that_stores_nothing_is_found_out(client: Client) -> None:
    async def refuses(*_: object, **__: object) -> None:
        raise ServiceUnavailableError

    with (
        patch.object(JetStreamContext, "publish", refuses),
        pytest.raises(Temporary, match="restart nats"),
    ):
        await prove_storage(client)
    assert not [
        info
        for info in await client.jetstream().streams_info()
        if "PROOF" in (info.config.name or "")
    ]


def test_the_shares_of_the_disk_add_up_to_the_whole() -> None:
    assert sum(stream.share for stream in STREAMS) == 100


async def test_many_calls_take_no_place_from_new_ones_but_a_full_bucket_of_leases_refuses(
    client: Client,
) -> None:
    await provision(client, BusSize(streams=64 * 1024 * 1024, bucket=64 * 1024))
    pins, slots = KeyValue(client, PINS.name), KeyValue(client, SLOTS.name)

    for n in range(700):
        assert await pins.create(f"twilio-CA{n}", b"x" * 1000) is not None
    assert await pins.get("twilio-CA699") is not None
    assert await pins.get("twilio-CA0") is None

    async def fill() -> None:
        for n in range(100):
            await slots.create(f"t.{n}", b"x" * 1000)

    with pytest.raises(Temporary, match="maximum bytes"):
        await fill()
    assert await slots.get("t.0") is not None
