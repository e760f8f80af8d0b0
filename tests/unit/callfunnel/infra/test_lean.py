"""Whatever strangers put into a message, the bus client goes on, and remembers no more of it."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from nats.aio.subscription import Subscription

from callfunnel.infra.lean import LeanClient

words = st.binary(min_size=1, max_size=6).filter(lambda word: word.split() == [word])


@given(words, words)
def test_no_bytes_of_a_subject_or_of_whom_to_answer_end_the_reading_of_what_follows(
    subject: bytes, reply: bytes
) -> None:
    async def read() -> list[bytes]:
        client = LeanClient()
        client._subs[1] = heard = Subscription(client, 1, "a")
        odd = b"MSG %b 1 %b 3\r\nodd\r\n" % (subject, reply)
        await client._ps.parse(odd + b"MSG a 1 5\r\nusual\r\n")
        return [heard._pending_queue.get_nowait().data for _ in range(heard.pending_msgs)]

    assert asyncio.run(read()) == [b"odd", b"usual"]


def test_header_names_that_only_strangers_use_do_not_fill_the_memory() -> None:
    async def send_and_read() -> tuple[int, int]:
        client: Any = LeanClient()
        client._send_command = swallowed
        client._flush_queue = None
        for n in range(2000):
            name = f"x-{n}"
            await client._send_publish("cf.t", "", b"", 0, {name: "1"})
            await client._process_headers(f"NATS/1.0\r\n{name}: 1\r\n\r\n".encode())
        return len(client._known_names), len(client._names_read)

    assert max(asyncio.run(send_and_read())) <= 256


async def swallowed(_command: bytes) -> None:
    """Nothing is sent."""
