"""Whatever is poisonous dies once: its letter is in DEAD, and its consumer goes on."""

import pytest
from nats.aio.client import Client

from callfunnel.domain.errors import Permanent, UserError
from callfunnel.domain.ids import TenantId
from callfunnel.events.call import CallerSpoke
from callfunnel.infra.bus import Bus, Received, event
from callfunnel.infra.dead import DeadLetter, DeadLetters
from tests.simulators.waiting import until

DEMO = TenantId("demo")
SUBJECT = "cf.demo.raw.c_1.caller_spoke"
LARGEST = 1024 * 1024
WHOLE = CallerSpoke(turn=1, text="hello", start_ms=0, end_ms=900)


async def put(client: Client, headers: str, body: bytes = b"{}", subject: str = SUBJECT) -> None:
    """Stores a message with headers as no client of ours would write them."""
    await put_raw(client, f"NATS/1.0\r\n{headers}\r\n\r\n".encode(), body, subject.encode())


async def put_raw(client: Client, block: bytes, body: bytes, subject: bytes) -> None:
    """Stores a message of any bytes."""
    sizes = f" {len(block)} {len(block) + len(body)}\r\n".encode()
    await client._send_command(b"HPUB " + subject + sizes + block + body + b"\r\n")
    await client._flush_pending()

    async def stored() -> bool:
        return (await client.jetstream().stream_info("RAW")).state.messages == 1

    await until(stored, "it is stored")


async def only_letter(bus: Bus, letters: DeadLetters) -> DeadLetter:
    """What the one poison became once its consumer is done with it and with a good message."""
    heard: list[str] = []

    @bus.consumer("redaction", CallerSpoke, raw=True)
    async def redact(batch: list[Received[CallerSpoke]]) -> None:
        for each in batch:
            if each.data != WHOLE:
                raise Permanent("no detector")
            heard.append(each.envelope.id)

    await bus.start()
    await bus.publish(event(WHOLE, DEMO, "c_2", id="c_2-1", seq=1), raw=True)
    await until(lambda: heard == ["c_2-1"], "the good message")

    async def settled() -> bool:
        about = await bus.client.jetstream().consumer_info("RAW", "redaction")
        return about.num_ack_pending == 0 and about.num_pending == 0

    await until(settled, "everything is settled")
    assert bus.consumers["redaction"].settling.stats.buried == 1
    (letter,) = await letters.list()
    return letter


@pytest.mark.parametrize(
    "headers",
    [
        "a(b: odd",
        "ce-id:" + "x" * 30_000,
        "cf-replays: " + "9" * 900,
        "\r\n".join(f"x-{n}: {'v' * 900}" for n in range(60)),
        "Status: 409\r\nDescription: Consumer Deleted",
    ],
    ids=["name", "value", "number", "many", "status"],
)
async def test_odd_headers_do_not_keep_a_message_from_dying(
    bus: Bus, client: Client, headers: str
) -> None:
    await put(client, headers, b"")
    letter = await only_letter(bus, DeadLetters(client))
    assert letter.reason.startswith("no ce-type header")
    assert letter.subject == SUBJECT


@pytest.mark.parametrize(
    ("subject", "block"),
    [
        (b"cf.demo.raw.\xff.caller_spoke", b"NATS/1.0\r\nx: y\r\n\r\n"),
        (b"cf.demo.raw.\xc3\xa9.caller_spoke", b"NATS/1.0\r\nx: \xff\r\n\r\n"),
        (SUBJECT.encode(), b"NATS/1.0"),
        (SUBJECT.encode(), b"NATS/1.0 "),
        (SUBJECT.encode(), b"NATS/1.0 \xff\xff\xff\r\n\r\n"),
        (SUBJECT.encode(), b"NATS/1.0 409 \xff\r\n\r\n"),
        (SUBJECT.encode(), b"NATS/1.0 409 Consumer Deleted\r\n\r\n"),
        (SUBJECT.encode(), b"NATS/1.0\r\n"),
        (SUBJECT.encode(), b"HTTP/1.1 \x00\r\n\xff: \xff"),
    ],
)
async def test_no_bytes_end_the_reading_of_what_comes_after(
    bus: Bus, client: Client, subject: bytes, block: bytes
) -> None:
    await put_raw(client, block, b"", subject)
    letter = await only_letter(bus, DeadLetters(client))
    assert letter.reason.startswith("no ce-type header")


async def test_a_body_with_no_room_beside_why_it_died_is_put_back_from_where_it_is(
    bus: Bus, client: Client
) -> None:
    letters = DeadLetters(client)
    await put(client, "ce-id: big", b"x" * (LARGEST - 120))
    letter = await only_letter(bus, letters)
    assert letter.reason == (
        "no ce-type header (left out: body of 1,048,456 bytes; message 1 of RAW has it)"
    )

    assert await letters.replay(letter.number) == SUBJECT

    again = await client.jetstream().get_msg("RAW", 3)
    assert again.data == b"x" * (LARGEST - 120)


async def test_what_is_whole_nowhere_is_not_put_back(bus: Bus, client: Client) -> None:
    letters = DeadLetters(client)
    await put(client, "ce-id: big", b"x" * (LARGEST - 120))
    letter = await only_letter(bus, letters)
    await client.jetstream().delete_msg("RAW", 1)

    with pytest.raises(UserError, match="is not whole, and its message is gone"):
        await letters.replay(letter.number)
    assert await letters.replay_all() == []


async def test_what_has_no_room_for_one_more_header_is_not_put_back(
    bus: Bus, client: Client
) -> None:
    letters = DeadLetters(client)
    await put(client, "ce-id: big", b"x" * (LARGEST - 30))
    letter = await only_letter(bus, letters)
    with pytest.raises(UserError, match="too large to be put back"):
        await letters.replay(letter.number)


async def test_a_subject_that_fills_a_command_line_does_not_keep_a_message_from_dying(
    bus: Bus, client: Client
) -> None:
    letters = DeadLetters(client)
    await put(client, "x-1: y", subject=f"cf.demo.raw.{'c' * 3900}.caller_spoke")
    letter = await only_letter(bus, letters)
    assert letter.subject == f"cf.demo.raw.{'c' * 64}.caller_spoke"
    assert letter.reason.endswith("(left out: subject; message 1 of RAW has it)")
    with pytest.raises(UserError, match="is not whole"):
        await letters.replay(letter.number)
