"""A feed whose reader stops reading: the bus keeps what waits, the process a bounded part of it."""

from nats.aio.client import Client

from callfunnel.infra.follow import Follower
from tests.simulators.waiting import until

COUNT = 3000
AHEAD = 256


async def test_a_reader_that_stalls_holds_a_bounded_part_and_gets_the_rest_later(
    client: Client,
) -> None:
    stream = client.jetstream()
    await stream.add_stream(name="EVENTS", subjects=["e.>"])
    for n in range(COUNT):
        await client.publish("e.a", str(n).encode())

    async def all_stored() -> bool:
        return (await stream.stream_info("EVENTS")).state.messages == COUNT

    await until(all_stored, "all is stored")
    follower = Follower(client, "EVENTS", ["e.>"], after=0)
    batches = follower.batches()
    seen = [int(message.data) for message in await anext(batches)]
    assert len(seen) <= AHEAD

    pulling = follower._pulling
    assert pulling is not None
    await until(lambda: len(pulling.waiting) >= AHEAD // 2, "what was asked for has come")

    async def quiet() -> bool:
        info = (await stream.consumers_info("EVENTS"))[0]
        return (info.num_pending or 0) >= COUNT - 2 * AHEAD - len(seen)

    await until(quiet, "no more is asked for")
    assert len(pulling.waiting) <= AHEAD

    while len(seen) < COUNT:
        seen += [int(message.data) for message in await anext(batches)]
    assert seen == list(range(COUNT))
    await follower.close()
