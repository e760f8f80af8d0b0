"""Provisioning against a real server."""

from nats.aio.client import Client

from callfunnel.events.streams import BUCKETS, STREAMS
from callfunnel.infra.provision import BusSize, provision


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


def test_the_shares_of_the_disk_add_up_to_the_whole() -> None:
    assert sum(stream.share for stream in STREAMS) == 100
