"""How full the streams are, as an operator asks a real server."""

from nats.aio.client import Client

from callfunnel.infra.fill import fills
from callfunnel.infra.provision import BusSize, provision


async def test_every_stream_tells_its_room_and_who_is_furthest_behind(client: Client) -> None:
    await provision(client, BusSize(streams=256 * 1024 * 1024))
    stream = client.jetstream()
    await stream.add_consumer("USAGE", durable_name="metering")
    for n in range(3):
        await stream.publish("cf.t.usage.c.measured", b"x" * 1000, headers={"Nats-Msg-Id": f"{n}"})

    told = {each.name: each for each in await fills(client)}

    assert {"RAW", "CALLS", "AUDIO", "USAGE", "APPROVALS", "DEAD", "KV_cf_pins"} <= set(told)
    usage = told["USAGE"]
    assert (usage.slowest, usage.behind) == ("metering", 3)
    assert 3000 < usage.held < usage.room == 256 * 1024 * 1024 // 10
    assert (told["AUDIO"].held, told["AUDIO"].behind) == (0, 0)
