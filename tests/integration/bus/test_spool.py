"""The spool against a real server: nothing lost and nothing doubled, whoever is killed."""

import asyncio
import signal
import sqlite3
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from nats.js.api import DiscardPolicy

from callfunnel.domain.errors import UserError
from callfunnel.infra.lean import LeanClient
from callfunnel.infra.spool import Spool, SpoolFull, SpoolInUse, SpoolLimits, Tally
from callfunnel.infra.spool_file import SpoolFile, Step, UnfinishedCall
from callfunnel.infra.spool_lane import HELD_BYTES
from tests.integration.bus.nats_process import NatsProcess
from tests.simulators.waiting import until

ROOT = Path(__file__).parents[3]


async def stored_ids(client: LeanClient) -> list[str]:
    """Every message id of the stream, in order."""
    stream = client.jetstream()
    info = await stream.stream_info("EVENTS")
    ids = []
    for sequence in range(info.state.first_seq, info.state.last_seq + 1):
        message = await stream.get_msg("EVENTS", sequence, direct=True)
        ids.append((message.headers or {})["Nats-Msg-Id"])
    return ids


async def make_stream(client: LeanClient) -> None:
    await client.jetstream().add_stream(name="EVENTS", subjects=["e.>"], allow_direct=True)


async def test_messages_arrive_in_order_and_leave_the_disk(
    client: LeanClient, tmp_path: Path
) -> None:
    await make_stream(client)
    spool = await Spool.open(tmp_path / "spool")
    await spool.send_through(client)
    for n in range(1000):
        spool.emit(f"id-{n}", "e.a", {"ce-id": f"id-{n}"}, b"body")

    assert await spool.drain(10)

    assert await stored_ids(client) == [f"id-{n}" for n in range(1000)]
    await spool.close()
    again = await Spool.open(tmp_path / "spool")
    assert again.backlog == 0
    await again.close()


async def test_a_backlog_longer_than_memory_is_sent_in_order(
    client: LeanClient, tmp_path: Path
) -> None:
    await make_stream(client)
    spool = await Spool.open(tmp_path / "spool")
    for n in range(10_000):
        spool.emit(f"id-{n}", "e.a", {}, b"x")
    await spool.send_through(client)
    for n in range(10_000, 12_000):
        spool.emit(f"id-{n}", "e.a", {}, b"x")

    assert await spool.drain(30)

    info = await client.jetstream().stream_info("EVENTS")
    assert info.state.messages == 12_000
    last = await client.jetstream().get_msg("EVENTS", info.state.last_seq, direct=True)
    assert (last.headers or {})["Nats-Msg-Id"] == "id-11999"
    await spool.close()


async def test_an_outage_of_the_server_loses_and_doubles_nothing(
    server: NatsProcess, client: LeanClient, tmp_path: Path
) -> None:
    await make_stream(client)
    spool = await Spool.open(tmp_path / "spool")
    await spool.send_through(client)
    for burst in range(3):
        for n in range(400):
            spool.emit(f"id-{burst}-{n}", "e.a", {}, b"x")
            if n == 200:
                server.kill()
                server.start()
            await asyncio.sleep(0)

    assert await spool.drain(30)

    ids = await stored_ids(client)
    assert len(ids) == len(set(ids)) == 1200
    await spool.close()


async def test_a_killed_publisher_s_successor_sends_all_it_had_accepted(
    server: NatsProcess, client: LeanClient, tmp_path: Path
) -> None:
    await make_stream(client)
    promised: set[str] = set()
    for life in range(3):
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.integration.bus.emitter",
            server.url,
            str(tmp_path / "spool"),
            str(life),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        assert child.stdout is not None
        for _ in range(200):
            promised.add((await child.stdout.readline()).decode().strip())
        child.send_signal(signal.SIGKILL)
        rest = (await child.stdout.read()).decode()
        promised.update(rest[: rest.rfind("\n") + 1].split())
        await child.wait()

    spool = await Spool.open(tmp_path / "spool")
    calls = {call.call: call for call in spool.unfinished_calls()}
    await spool.send_through(client)
    assert await spool.drain(30)

    ids = await stored_ids(client)
    assert len(ids) == len(set(ids)), "a message was stored twice"
    assert promised <= set(ids), "an accepted message was lost"
    for life in range(3):
        sent = [int(i.rpartition("-")[2]) for i in ids if i.startswith(f"c{life}-")]
        call = calls[f"c{life}"]
        assert call.last_seq == max(sent) == len(sent), "the journal disagrees with the bus"
        assert call.segments == len(sent)
        assert call.document == b"opened"
    await spool.close()


async def test_a_message_no_stream_takes_waits_and_leaves_once_one_does(
    client: LeanClient, tmp_path: Path
) -> None:
    spool = await Spool.open(tmp_path / "spool")
    await spool.send_through(client)
    spool.emit("early", "e.a", {}, b"x")
    await until(lambda: spool.sender_stats.refused_by_bus > 0, "a refusal")
    assert spool.backlog == 1

    await make_stream(client)

    assert await spool.drain(10)
    assert await stored_ids(client) == ["early"]
    await spool.close()


async def test_a_full_spool_refuses_and_says_so_before(tmp_path: Path) -> None:
    spool = await Spool.open(tmp_path / "spool", SpoolLimits(rows=10, min_free_disk=0))
    for n in range(8):
        assert spool.accepting
        spool.emit(str(n), "e.a", {}, b"x")
    assert not spool.accepting
    spool.emit("8", "e.a", {}, b"x")
    spool.emit("9", "e.a", {}, b"x")
    with pytest.raises(SpoolFull, match="full"):
        spool.emit("10", "e.a", {}, b"x")
    assert spool.stats.refused == 1
    await spool.close()


async def test_a_full_disk_refuses_new_messages_and_keeps_the_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = await Spool.open(tmp_path / "spool")
    file = spool._writer._file
    file.db.execute("pragma max_page_count = 12")
    while spool.stats.failed_commits == 0:
        spool.emit("x", "e.a", {}, b"x" * 5000)
        await asyncio.sleep(0.002)
    accepted = spool.stats.emitted
    assert not spool.accepting
    with pytest.raises(SpoolFull, match="disk"):
        spool.emit("y", "e.a", {}, b"y")

    file.db.execute("pragma max_page_count = 100000")
    await spool.flush()

    spool.emit("z", "e.a", {}, b"z")
    await spool.close()
    again = await Spool.open(tmp_path / "spool")
    assert again.backlog == accepted + 1
    await again.close()


async def test_a_second_process_may_not_open_the_spool(tmp_path: Path) -> None:
    spool = await Spool.open(tmp_path / "spool")
    with pytest.raises(SpoolInUse, match="another process"):
        await Spool.open(tmp_path / "spool")
    await spool.close()


async def test_an_ended_call_leaves_the_journal_with_its_last_message(tmp_path: Path) -> None:
    spool = await Spool.open(tmp_path / "spool")
    for call in ("c1", "c2", "c3"):
        spool.open_call(call, b"spec")
        spool.emit(f"{call}-1", "e.a", {}, b"x", Tally(call, seq=1))
        spool.emit(f"{call}-u", "e.a", {}, b"x", Tally(call, usage_records=1, totals=1))
    spool.emit("c1-end", "e.a", {}, b"x", Tally("c1", closes=True))
    spool.close_call("c2")
    await spool.close()

    again = await Spool.open(tmp_path / "spool")
    (left,) = again.unfinished_calls()
    assert (left.call, left.last_seq, left.segments) == ("c3", 1, 0)
    assert (left.usage_records, left.totals) == (1, 1)
    assert left.document == b"spec"
    await again.close()


async def test_personal_data_is_gone_from_the_files_once_sent(
    client: LeanClient, tmp_path: Path
) -> None:
    await make_stream(client)
    spool = await Spool.open(tmp_path / "spool")
    await spool.send_through(client)
    for n in range(50):
        spool.emit(str(n), "e.a", {}, b"4111 1111 1111 1111")
    assert await spool.drain(10)
    await spool.close()

    files = [path.read_bytes() for path in (tmp_path / "spool").iterdir()]
    assert not any(b"4111" in content for content in files)


async def test_a_message_too_large_for_the_bus_is_refused_at_once(tmp_path: Path) -> None:
    spool = await Spool.open(tmp_path / "spool")
    with pytest.raises(ValueError, match="larger"):
        spool.emit("big", "e.a", {}, b"x" * 1_000_000)
    await spool.close()


async def test_a_corrupt_spool_is_said_in_one_line_and_stays_as_it_is(tmp_path: Path) -> None:
    spool = await Spool.open(tmp_path / "spool")
    spool.emit("1", "e.a", {}, b"x")
    await spool.close()
    (tmp_path / "spool" / "spool.db").write_bytes(b"no database" * 1000)

    for _ in range(2):
        with pytest.raises(UserError, match=r"cannot be read.*move it away"):
            await Spool.open(tmp_path / "spool")


async def test_a_full_stream_holds_up_no_other_and_memory_holds_a_bounded_part_of_its_backlog(
    client: LeanClient, tmp_path: Path
) -> None:
    stream = client.jetstream()
    full = {"max_bytes": 200_000, "discard": DiscardPolicy.NEW}
    await stream.add_stream(name="AUDIO", subjects=["cf.*.audio.>"], **full)
    await stream.add_stream(name="RAW", subjects=["cf.*.raw.>"])
    spool = await Spool.open(tmp_path / "spool", SpoolLimits(min_free_disk=0))
    await spool.send_through(client)
    for n in range(2000):
        spool.emit(f"a-{n}", "cf.t.audio.c.segment", {}, b"x" * 16_000)
        spool.emit(f"f-{n}", "cf.t.raw.c.said", {}, b"x")
        if n % 100 == 0:
            await spool.flush()

    async def facts() -> bool:
        return (await stream.stream_info("RAW")).state.messages == 2000

    await until(facts, "every fact arrived")
    assert spool.backlog > 1900
    held = [lane._sender.pending_bytes for lane in spool._lanes if lane._sender]
    assert sum(held) <= HELD_BYTES + 3_000_000

    await stream.update_stream(name="AUDIO", subjects=["cf.*.audio.>"], max_bytes=-1)
    assert await spool.drain(30)
    assert (await stream.stream_info("AUDIO")).state.messages == 2000
    await spool.close()


def leave_spool(folder: Path, *statements: str) -> None:
    """What an earlier version left in a spool's folder."""
    folder.mkdir()
    old = sqlite3.connect(folder / "spool.db")
    for statement in statements:
        old.execute(statement)
    old.commit()
    old.close()


async def test_a_spool_from_before_there_were_lanes_is_sent(
    client: LeanClient, tmp_path: Path
) -> None:
    await make_stream(client)
    leave_spool(
        tmp_path / "spool",
        "create table spool(key integer primary key, id text not null, subject text not null,"
        " headers blob not null, body blob not null)",
        "insert into spool values(1, 'left', 'e.a', x'80', x'31')",
    )
    spool = await Spool.open(tmp_path / "spool")
    await spool.send_through(client)
    assert await spool.drain(10)
    assert await stored_ids(client) == ["left"]
    await spool.close()


async def test_a_journal_from_before_totals_were_counted_is_read(tmp_path: Path) -> None:
    leave_spool(
        tmp_path / "spool",
        "create table calls(call text primary key, document blob not null, last_seq integer,"
        " segments integer, usage_records integer) without rowid",
        "insert into calls values('c1', x'7b7d', 3, 2, 1)",
    )
    spool = await Spool.open(tmp_path / "spool")
    assert spool.unfinished_calls() == (UnfinishedCall("c1", b"{}", 3, 2, 1, totals=0),)
    await spool.close()


async def test_a_caller_s_treatment_waits_for_no_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callfunnel.infra.spool._SLOW_DISK_S", 0.1)
    spool = await Spool.open(tmp_path / "spool")
    file = spool._writer._file
    file.db.execute("pragma max_page_count = 12")
    with pytest.raises(SpoolFull, match="disk"):
        await spool.emit_durable("x", "e.a", {}, b"x" * 100_000)
    file.db.execute("pragma max_page_count = 100000")
    await spool.close()


async def test_a_disk_that_hangs_without_an_error_refuses_before_memory_fills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = await Spool.open(tmp_path / "spool", SpoolLimits(min_free_disk=0))
    hangs, apply = threading.Event(), SpoolFile.apply

    def hang(file: SpoolFile, steps: Sequence[Step]) -> None:
        hangs.wait(10)
        apply(file, steps)

    monkeypatch.setattr(SpoolFile, "apply", hang)
    while spool.accepting and spool.stats.emitted < 2000:
        spool.emit(f"{spool.stats.emitted}", "e.a", {}, b"x" * 16_000)
    with pytest.raises(SpoolFull, match="hangs"):
        spool.emit("one more", "e.a", {}, b"x")
    accepted = spool.stats.emitted
    assert 900 < accepted < 1100, "16 MB of it"
    assert spool.trouble == "the disk hangs"

    hangs.set()
    await spool.flush()
    assert spool.accepting
    spool.emit("after", "e.a", {}, b"x")
    await spool.close()
