"""A feed whose reader stops reading: the bus keeps what waits, the process a bounded part of it."""

from callfunnel.infra.consume import MOST_BYTES, PullClient
from callfunnel.infra.follow import Follower
from callfunnel.infra.lean import LeanClient
from tests.simulators.waiting import until

COUNT = 3000
AHEAD = 256


async def test_a_reader_that_stalls_holds_a_bounded_part_and_gets_the_rest_later(
    client: LeanClient,
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


async def test_large_messages_are_bounded_in_bytes_and_all_come(client: LeanClient) -> None:
    stream, count, size = client.jetstream(), 150, 300_000
    await stream.add_stream(name="LARGE", subjects=["l.>"])
    for _ in range(count):
        await stream.publish("l.a", b"x" * size)
    await stream.add_consumer("LARGE", durable_name="reader")
    reader = PullClient(client, "LARGE", "reader", ahead=2 * count)
    await reader.start()
    await until(lambda: len(reader.waiting) * size > MOST_BYTES // 2, "much has come")
    taken = 0
    while taken < count:
        assert sum(len(message.data) for message in reader.waiting) <= 2 * MOST_BYTES
        batch = await reader.next_batch(7)
        taken += len(batch)
        for message in batch:
            await message.ack()
    assert taken == count
    await reader.stop()
