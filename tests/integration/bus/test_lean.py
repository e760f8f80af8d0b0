"""The shorter way of the bus client says and hears what nats-py's own does."""

import asyncio
import contextlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client
from nats.aio.msg import Msg

from callfunnel.infra.lean import LeanClient, delivery_of

names = st.one_of(
    st.sampled_from(["ce-type", "ce-id", "Nats-Msg-Id", "traceparent"]),
    st.text("abzAZ-09", min_size=1, max_size=8),
    st.text(max_size=6),
    st.sampled_from(["a:b", "ce id", "ce\x0bid", "é"]),
)
sendable = st.sampled_from(["ce-type", "ce-id", "Nats-Msg-Id", "traceparent", "X-Odd!"])
lines = st.lists(
    st.tuples(
        names,
        st.sampled_from([": ", ":", ":\t", " : ", ""]),
        st.one_of(st.text(max_size=12), st.text("\u00a0\x1c\x85 \ta:")),
    )
)


def written(client: Any) -> list[bytes]:
    """Where the client's commands are kept instead of being sent."""
    commands: list[bytes] = []

    async def keep(command: bytes, priority: bool = False) -> None:
        commands.append(bytes(command))

    client._send_command = keep
    client._flush_queue = None
    return commands


@given(lines)
def test_any_block_of_headers_is_read_as_nats_py_reads_it(told: list[tuple[str, str, str]]) -> None:
    block = "".join(f"{name}{sign}{value}\r\n" for name, sign, value in told)
    raw = f"NATS/1.0\r\n{block}\r\n".encode("utf-8", "replace")
    lean, usual = LeanClient(), Client()
    read = asyncio.run(lean._process_headers(raw))
    assert read == asyncio.run(usual._process_headers(raw))
    assert read == asyncio.run(lean._process_headers(raw))


@given(st.lists(st.dictionaries(sendable, st.text(max_size=12).map(str.strip)), max_size=3))
def test_any_headers_are_sent_as_nats_py_sends_them(told: list[dict[str, str]]) -> None:
    lean, usual = LeanClient(), Client()
    ours, theirs = written(lean), written(usual)
    for headers in [*told, *told]:
        for client in (lean, usual):
            asyncio.run(client._send_publish("cf.t.call.c.ended", "_INBOX.1", b"{}", 2, headers))
    assert ours == theirs
    assert lean.stats == usual.stats


def test_a_line_end_in_a_value_makes_no_header_of_its_own() -> None:
    lean = LeanClient()
    sent = written(lean)
    for value in ("plain", "a\r\nNats-Rollup: all", "a\nNats-Rollup: all"):
        asyncio.run(lean._send_publish("cf.t", "", b"", 0, {"ce-id": value}))
    assert all(command.count(b"\r\n") == sent[0].count(b"\r\n") for command in sent)
    assert all(b"\n" not in command.replace(b"\r\n", b"") for command in sent)


async def test_a_reconnect_that_swallows_its_end_is_ended_again(client: LeanClient) -> None:
    async def deaf() -> None:
        for _ in range(3):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)

    client._reconnection_task = trying = asyncio.ensure_future(deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await client.close()
    assert trying.done()


@given(st.integers(1, 10**6), st.booleans())
def test_the_count_of_deliveries_is_read_from_either_form_of_an_address(
    count: int, with_domain: bool
) -> None:
    tail = f"{count}.7.8.1700000000000000000.9"
    reply = (
        f"$JS.ACK._.acc.CALLS.timeline.{tail}.x"
        if with_domain
        else f"$JS.ACK.CALLS.timeline.{tail}"
    )
    assert delivery_of(reply) == Msg.Metadata._from_reply(reply).num_delivered == count
