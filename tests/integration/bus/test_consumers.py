"""Consumers on a real server: what a handler may rely on, and what happens when it fails."""

import asyncio
import sqlite3
import sys
from pathlib import Path
from typing import Any

from nats.aio.client import Client

from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.domain.ids import TenantId
from callfunnel.events.envelope import Event
from callfunnel.events.usage import UsageMeasured
from callfunnel.infra.bus import Bus, BusAccess, Received, event
from callfunnel.infra.provision import BusSize, provision
from tests.integration.bus.nats_process import NatsProcess
from tests.simulators.waiting import until

DEMO = TenantId("demo")
ROOT = Path(__file__).parents[3]


def usage(n: int) -> Event[Any]:
    data = UsageMeasured(
        meter="speech",
        quantity=n,
        unit="ms",
        provider="demo",
        model="demo",
        source="measured",
        record=str(n),
    )
    return event(data, DEMO, "c_1", id=f"c_1-u-speech-{n}")


class Meter:
    """A handler that remembers what it was given, and fails as it is told."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.done: set[int] = set()
        self.failures: dict[int, list[Exception]] = {}
        self.deliveries: dict[int, int] = {}

    async def __call__(self, batch: list[Received[UsageMeasured]]) -> None:
        numbers = [item.data.quantity for item in batch]
        self.batches.append(numbers)
        for item in batch:
            self.deliveries[item.data.quantity] = item.delivered
        for n in numbers:
            if self.failures.get(n):
                raise self.failures[n].pop(0)
        self.done.update(numbers)


async def test_what_gathered_during_a_batch_is_the_next_batch(bus: Bus, client: Client) -> None:
    meter, written = Meter(), asyncio.Event()

    async def slow_at_first(batch: list[Received[UsageMeasured]]) -> None:
        await meter(batch)
        await written.wait()

    bus.consumer("metering", UsageMeasured, batch=200)(slow_at_first)
    await bus.start()
    await bus.publish(usage(0))
    await until(lambda: meter.done == {0}, "the first batch")
    await bus.publish(*(usage(n) for n in range(1, 301)))
    await until(lambda: _delivered(client, 301), "all others, while the first is written")
    written.set()

    await until(lambda: meter.done == set(range(301)), "all messages")
    assert [len(batch) for batch in meter.batches] == [1, 200, 100]


async def _delivered(client: Client, count: int) -> bool:
    info = await client.jetstream().consumer_info("USAGE", "metering")
    return info.num_ack_pending == count


async def test_a_single_message_does_not_wait_for_company(bus: Bus) -> None:
    meter = Meter()
    bus.consumer("metering", UsageMeasured, batch=200)(meter)
    await bus.start()
    started = asyncio.get_running_loop().time()
    await bus.publish(usage(1))

    await until(lambda: meter.done == {1}, "the message")
    assert asyncio.get_running_loop().time() - started < 0.2


async def test_only_the_poison_message_of_a_batch_suffers(bus: Bus, client: Client) -> None:
    await bus.publish(*(usage(n) for n in range(20)))
    meter = Meter()
    meter.failures[7] = [Permanent("no such meter")] * 20
    bus.consumer("metering", UsageMeasured, batch=50)(meter)
    await bus.start()

    await until(lambda: meter.done == set(range(20)) - {7}, "all the others")
    dead = await client.jetstream().get_last_msg("DEAD", "dead.metering.cf.demo.usage.c_1.measured")
    assert dead.headers is not None
    assert dead.headers["cf-dead-reason"] == "no such meter"
    assert dead.headers["ce-id"] == "c_1-u-speech-7"
    await until(lambda: _settled(client), "everything acknowledged")


async def test_one_poison_among_many_is_found_in_few_steps(bus: Bus, client: Client) -> None:
    await bus.publish(*(usage(n) for n in range(256)))
    meter = Meter()
    meter.failures[200] = [Permanent("no such meter")] * 20
    bus.consumer("metering", UsageMeasured, batch=256)(meter)
    await bus.start()

    await until(lambda: meter.done == set(range(256)) - {200}, "all the others")
    await until(lambda: _settled(client), "everything acknowledged")
    first = next(n for n, batch in enumerate(meter.batches) if 200 in batch)
    assert len(meter.batches) - first <= 2 * 8 + 3


async def _settled(client: Client) -> bool:
    info = await client.jetstream().consumer_info("USAGE", "metering")
    return info.num_ack_pending == 0 and info.num_pending == 0


async def test_a_temporary_failure_is_tried_again_later(bus: Bus) -> None:
    await bus.publish(usage(1))
    meter = Meter()
    meter.failures[1] = [Temporary("database is away", 0.05)] * 3
    bus.consumer("metering", UsageMeasured)(meter)
    await bus.start()

    await until(lambda: meter.done == {1}, "the retry")
    assert meter.deliveries[1] == 4


async def test_a_message_that_must_wait_holds_up_no_other(bus: Bus) -> None:
    await bus.publish(usage(1))
    meter = Meter()
    meter.failures[1] = [Temporary("its call is not known yet", 30.0)] * 5
    bus.consumer("metering", UsageMeasured)(meter)
    await bus.start()
    await until(lambda: meter.batches == [[1]], "the first failure")
    started = asyncio.get_running_loop().time()
    await bus.publish(*(usage(n) for n in range(2, 20)))

    await until(lambda: meter.done == set(range(2, 20)), "the others")
    assert asyncio.get_running_loop().time() - started < 1


async def test_while_the_database_is_away_nothing_is_asked_for_and_nothing_is_lost(
    bus: Bus,
) -> None:
    meter = Meter()
    away = [True]
    tries: list[int] = []

    @bus.consumer("metering", UsageMeasured, batch=50)
    async def handle(batch: list[Received[UsageMeasured]]) -> None:
        tries.append(len(batch))
        if away[0]:
            raise Temporary("database is away", 0.2)
        await meter(batch)

    await bus.start()
    await bus.publish(*(usage(n) for n in range(200)))
    await until(lambda: len(tries) >= 4, "the first batch and three single tries")
    await until(lambda: bus.consumers["metering"].settling.hold_s > 0, "the pause")
    assert len(tries) < 20, "it went on asking"
    away[0] = False

    await until(lambda: meter.done == set(range(200)), "all of them", 20)


async def test_an_unexplained_failure_is_tried_again_and_loses_nothing(bus: Bus) -> None:
    await bus.publish(usage(1), usage(2))
    meter = Meter()
    meter.failures[1] = [ValueError("a bug"), ValueError("a bug")]
    bus.consumer("metering", UsageMeasured)(meter)
    await bus.start()

    await until(lambda: meter.done == {1, 2}, "both")


async def test_garbage_on_a_subject_goes_to_dead_and_harms_nobody(bus: Bus, client: Client) -> None:
    await client.jetstream().publish("cf.demo.usage.c_1.measured", b"\xff\x00garbage")
    await client.jetstream().publish(
        "cf.demo.usage.c_1.measured", b"{", headers={"ce-type": "callfunnel.usage.measured.v1"}
    )
    await bus.publish(usage(1))
    meter = Meter()
    bus.consumer("metering", UsageMeasured)(meter)
    await bus.start()

    await until(lambda: meter.done == {1}, "the good one")

    async def two_dead() -> bool:
        return (await client.jetstream().stream_info("DEAD")).state.messages == 2

    await until(two_dead, "two dead letters")


async def test_a_deleted_durable_comes_back_by_itself(bus: Bus, client: Client) -> None:
    meter = Meter()
    bus.consumer("metering", UsageMeasured)(meter)
    await bus.start()
    await bus.publish(usage(1))
    await until(lambda: meter.done == {1}, "the first")

    await client.jetstream().delete_consumer("USAGE", "metering")
    await bus.publish(usage(2))

    await until(lambda: 2 in meter.done, "the second, through a new durable")


async def test_a_killed_server_loses_no_message_for_the_consumer(
    bus: Bus, server: NatsProcess
) -> None:
    meter = Meter()
    bus.consumer("metering", UsageMeasured, batch=50)(meter)
    await bus.start()
    await bus.publish(*(usage(n) for n in range(100)))
    server.kill()
    server.start()
    await bus.publish(*(usage(n) for n in range(100, 200)), within_s=30)

    await until(lambda: meter.done == set(range(200)), "all of both halves", 30)


async def test_stopping_gives_back_what_was_not_begun(
    bus: Bus, server: NatsProcess, client: Client
) -> None:
    await bus.publish(*(usage(n) for n in range(100)))
    other = await Bus.open(BusAccess(url=server.url, name="other"))
    begun, go = asyncio.Event(), asyncio.Event()
    in_hand: list[int] = []  # a batch is what has arrived, at most ten

    async def slow(batch: list[Received[UsageMeasured]]) -> None:
        in_hand.append(len(batch))
        begun.set()
        await go.wait()

    other.consumer("metering", UsageMeasured, batch=10)(slow)
    await other.start()
    await begun.wait()
    stopping = asyncio.create_task(other.stop())
    meter = Meter()
    bus.consumer("metering", UsageMeasured, batch=50)(meter)
    await bus.start()

    await until(lambda: len(meter.done) == 100 - sum(in_hand), "all but what is in hand", 5)
    go.set()
    await stopping
    await until(lambda: _settled(client), "what was in hand acknowledged")


async def test_two_processes_share_a_durable(bus: Bus, server: NatsProcess) -> None:
    other = await Bus.open(BusAccess(url=server.url, name="other"))
    meters = [Meter(), Meter()]
    for shared, meter in zip((bus, other), meters, strict=True):
        shared.consumer("metering", UsageMeasured, batch=10)(meter)
        await shared.start()
    await bus.publish(*(usage(n) for n in range(1000)))

    await until(lambda: meters[0].done | meters[1].done == set(range(1000)), "all, by both")
    assert not meters[0].done & meters[1].done
    await other.stop()


async def test_a_changed_configuration_reaches_an_existing_durable(
    bus: Bus, server: NatsProcess, client: Client
) -> None:
    bus.consumer("metering", UsageMeasured, ack_wait_s=30)(Meter())
    await bus.start()
    later = await Bus.open(BusAccess(url=server.url, name="later"))
    later.consumer("metering", UsageMeasured, ack_wait_s=60)(Meter())
    await later.start()

    info = await client.jetstream().consumer_info("USAGE", "metering")
    assert info.config.ack_wait == 60
    await later.stop()


async def test_a_consumer_waits_for_a_stream_that_is_not_there_yet(
    server: NatsProcess, client: Client
) -> None:
    early = await Bus.open(BusAccess(url=server.url, name="early"))
    meter = Meter()
    early.consumer("metering", UsageMeasured)(meter)
    await early.start()
    assert not early.ready
    await provision(client, BusSize(streams=256 * 1024 * 1024))

    await until(lambda: early.ready, "the durable")
    await early.publish(usage(1))
    await until(lambda: meter.done == {1}, "the message")
    await early.stop()


async def test_a_killed_consumer_s_successor_handles_what_it_had_not_finished(
    bus: Bus, server: NatsProcess, tmp_path: Path
) -> None:
    await bus.publish(*(usage(n) for n in range(3000)))
    table = tmp_path / "seen.db"
    for life in range(4):
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.integration.bus.collector",
            server.url,
            str(table),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        assert child.stdout is not None
        for _ in range(10):
            assert await child.stdout.readline(), "the consumer died by itself"
        if life == 3:
            await until(lambda: _count(table) == 3000, "every message's effect", 45)
        child.kill()
        await child.stdout.read()
        await child.wait()

    with sqlite3.connect(table) as rows:
        assert rows.execute("select count(*), sum(effects) from seen").fetchone() == (3000, 3000)
    rows.close()


def _count(table: Path) -> int:
    rows = sqlite3.connect(table)
    try:
        return int(rows.execute("select count(*) from seen").fetchone()[0])
    finally:
        rows.close()
