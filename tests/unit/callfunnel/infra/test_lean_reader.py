"""The bus client's reader cuts what arrives into the messages that nats-py's parser finds."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.errors import ProtocolError
from nats.protocol.parser import Parser

from callfunnel.infra.lean_reader import LeanParser

Heard = tuple[Any, ...]
words = st.text("abcXYZ.>*_$0189", min_size=1, max_size=8).map(str.encode)
numbers = st.integers(0, 10**6).map(lambda number: str(number).encode())
bodies = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"", b"\r\n", b"MSG a 1 3\r\n", b"PING\r\n", b"x" * 5000]),
)
blocks = bodies.map(lambda rest: b"NATS/1.0" + rest)
"""What the server lets through as headers: nats-py takes one of digits alone for a size."""
gaps = st.sampled_from([b" ", b"  ", b"\t"])


@dataclass
class Client:
    """Keeps what the parser tells it."""

    heard: list[Heard] = field(default_factory=list)

    def __getattr__(self, told: str) -> Callable[..., Awaitable[None]]:
        what = {"take": "message", "_process_msg": "message"}.get(told, told)

        async def note(*about: Any) -> None:
            self.heard.append((what, *(each or b"" for each in about)))

        return note


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """One message as a server sends it."""
    gap = draw(gaps)
    subject, sid = draw(words), draw(numbers)
    reply = [draw(words)] if draw(st.booleans()) else []
    block, payload = draw(blocks), draw(bodies)
    if draw(st.booleans()):
        parts = [b"MSG", subject, sid, *reply, str(len(payload)).encode()]
        return gap.join(parts) + b"\r\n" + payload + b"\r\n"
    sizes = [str(len(block)).encode(), str(len(block) + len(payload)).encode()]
    return gap.join([b"HMSG", subject, sid, *reply, *sizes]) + b"\r\n" + block + payload + b"\r\n"


others = st.sampled_from(
    [b"PING\r\n", b"PONG\r\n", b"+OK\r\n", b"-ERR 'no'\r\n", b'INFO {"a":1}\r\n']
)


@given(st.lists(st.one_of(messages(), messages(), others), max_size=8), st.data())
def test_however_it_arrives_the_same_is_heard(told: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(told)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    ours, theirs = Client(), Client()
    lean, usual = LeanParser(ours), Parser(theirs)  # type: ignore[arg-type]

    async def both() -> None:
        for chunk in chunks:
            await lean.parse(chunk)
            await usual.parse(chunk)

    asyncio.run(both())
    assert ours.heard == theirs.heard
    assert len(ours.heard) == sum(command != b"+OK\r\n" for command in told)


@pytest.mark.parametrize(
    "line",
    [
        b"MSG\r\n", b"MSG a 1\r\n", b"MSG a x 3\r\n", b"MSG a 1 b c 3\r\n", b"MSG a 1 -3\r\n",
        b"MSG a 1 " + b"9" * 5000 + b"\r\n", b"MSG a " + b"9" * 5000 + b" 1\r\n",
        b"HMSG a 1 3\r\n", b"HMSG a 1 9 3\r\n", b"HMSG a 1 1_0 30\r\n", b"SUB a 1\r\n", b"\r\n",
        b"x" * 2_000_000,
    ],
)  # fmt: skip
def test_what_is_not_the_protocol_ends_the_connection(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        asyncio.run(LeanParser(Client()).parse(line))  # type: ignore[arg-type]


def test_a_new_connection_forgets_half_a_message() -> None:
    client = Client()
    lean = LeanParser(client)  # type: ignore[arg-type]

    async def cut_off() -> None:
        await lean.parse(b"MSG a 1 500\r\nhalf")
        lean.reset()
        await lean.parse(b"PING\r\n")

    asyncio.run(cut_off())
    assert client.heard == [("_process_ping",)]


def test_a_connection_that_is_lost_while_it_is_read_leaves_nothing_behind() -> None:
    client = Client()
    lean = LeanParser(client)  # type: ignore[arg-type]

    async def lost(*_: Any) -> None:
        lean.reset()

    client._process_ping = lost  # type: ignore[attr-defined]

    async def cut_off() -> None:
        await lean.parse(b"PING\r\nMSG a 1 500\r\nhalf")
        await lean.parse(b"PONG\r\n")

    asyncio.run(cut_off())
    assert client.heard == [("_process_pong",)]


@given(st.binary(max_size=60))
def test_whatever_arrives_is_heard_or_refused(data: bytes) -> None:
    async def parse() -> None:
        lean = LeanParser(Client())  # type: ignore[arg-type]
        with_line = b"MSG a 1 2\r\n" + data
        for chunk in (data, with_line):
            lean.reset()
            try:
                await lean.parse(chunk)
            except ProtocolError:
                continue
            assert len(lean.buf) <= len(chunk)

    asyncio.run(parse())
