"""Dead letters: what an operator sees, and what a replay does."""

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext

from callfunnel.domain.errors import Permanent, Temporary, UserError
from callfunnel.domain.ids import TenantId
from callfunnel.events.call import CallerSpoke
from callfunnel.events.usage import UsageMeasured
from callfunnel.infra.bus import Bus, Received, event
from callfunnel.infra.dead import DeadLetters
from tests.simulators.waiting import until

DEMO = TenantId("demo")


async def buried(bus: Bus, letters: DeadLetters) -> list[int]:
    """One usage record and one spoken sentence that a handler has given up."""
    usage = UsageMeasured(
        meter="speech",
        quantity=1,
        unit="ms",
        provider="p",
        model="m",
        source="measured",
        record="r",
    )
    spoken = CallerSpoke(turn=1, text="my card is 4111", start_ms=0, end_ms=900)
    healed: list[str] = []

    @bus.consumer("metering", UsageMeasured)
    async def meter(batch: list[Received[UsageMeasured]]) -> None:
        if not healed:
            healed.append("next time")
            raise Permanent("no price")

    @bus.consumer("redaction", CallerSpoke, raw=True)
    async def redact(batch: list[Received[CallerSpoke]]) -> None:
        raise Permanent("no detector")

    await bus.start()
    await bus.publish(event(usage, DEMO, "c_1", id="c_1-u-speech-r"))
    await bus.publish(event(spoken, DEMO, "c_1", id="c_1-5", seq=5), raw=True)

    async def two() -> bool:
        return len(await letters.list()) == 2

    await until(two, "two dead letters")
    return [letter.number for letter in await letters.list()]


async def test_a_list_says_what_died_where_and_why(bus: Bus, client: Client) -> None:
    letters = DeadLetters(client)
    await buried(bus, letters)

    (letter,) = await letters.list(durable="metering")
    assert (letter.reason, letter.stream, letter.id) == ("no price", "USAGE", "c_1-u-speech-r")
    assert letter.subject == "cf.demo.usage.c_1.measured"
    assert letter.delivered == 1
    assert letter.size > 0
    assert letter.body is None


async def test_a_body_with_personal_data_is_shown_only_when_asked_for(
    bus: Bus, client: Client
) -> None:
    letters = DeadLetters(client)
    await buried(bus, letters)
    (spoken,) = await letters.list(durable="redaction")
    (usage,) = await letters.list(durable="metering")

    assert (await letters.show(spoken.number)).body is None
    assert "4111" in ((await letters.show(spoken.number, body=True)).body or "")
    assert "speech" in ((await letters.show(usage.number)).body or "")


async def test_a_replay_reaches_the_handler_again_and_leaves_dead(bus: Bus, client: Client) -> None:
    letters = DeadLetters(client)
    await buried(bus, letters)
    (letter,) = await letters.list(durable="metering")

    assert await letters.replay(letter.number) == "cf.demo.usage.c_1.measured"

    stats = bus.consumers["metering"].settling.stats
    await until(lambda: stats.acknowledged == 1, "the second try")
    assert await letters.list(durable="metering") == []


async def test_a_letter_that_is_not_there_is_a_user_s_mistake(bus: Bus, client: Client) -> None:
    letters = DeadLetters(client)
    for number in (99, 10**30):
        with pytest.raises(UserError, match=f"no dead letter {number}"):
            await letters.show(number)
    with pytest.raises(UserError, match="no consumer"):
        await letters.list(durable="a.>")


async def test_a_letter_that_dies_again_says_how_often_it_was_put_back_and_keeps_its_id(
    bus: Bus, client: Client
) -> None:
    letters = DeadLetters(client)
    await buried(bus, letters)
    (first,) = await letters.list(durable="redaction")
    await letters.replay(first.number)

    async def again() -> bool:
        return [each.replays for each in await letters.list(durable="redaction")] == [1]

    await until(again, "it died again")
    (second,) = await letters.list(durable="redaction")
    assert (second.id, second.reason, second.subject) == (first.id, first.reason, first.subject)


async def test_all_letters_of_a_consumer_are_put_back_and_the_others_stay(
    bus: Bus, client: Client
) -> None:
    letters = DeadLetters(client)
    await buried(bus, letters)
    spoken = [each.number for each in await letters.list(durable="redaction")]

    back = await letters.replay_all(durable="metering")

    assert [each.id for each in back] == ["c_1-u-speech-r"]
    stats = bus.consumers["metering"].settling.stats
    await until(lambda: stats.acknowledged == 1, "the second try")
    assert [each.number for each in await letters.list()] == spoken


async def test_a_replay_that_was_cut_short_before_it_left_dead_is_done_once(
    bus: Bus, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = DeadLetters(client)
    await buried(bus, letters)
    (letter,) = await letters.list(durable="metering")

    async def cut_short(*_: object, **__: object) -> bool:
        raise TimeoutError

    with monkeypatch.context() as broken:
        broken.setattr(JetStreamContext, "delete_msg", cut_short)
        with pytest.raises(Temporary, match="not replayed"):
            await letters.replay(letter.number)
    await letters.replay(letter.number)

    info = await client.jetstream().stream_info("USAGE")
    assert info.state.messages == 2, "the first and one replay of it"
    assert await letters.list(durable="metering") == []


async def test_a_message_that_fails_without_a_reason_goes_to_dead_after_its_tries(
    bus: Bus, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callfunnel.infra.retry_rules.GIVE_UP_AFTER", 2)
    monkeypatch.setattr("callfunnel.infra.retry_rules.CAP_S", 0.05)
    letters = DeadLetters(client)

    @bus.consumer("redaction", CallerSpoke, raw=True)
    async def redact(batch: list[Received[CallerSpoke]]) -> None:
        raise KeyError("my card is 4111")

    await bus.start()
    spoken = CallerSpoke(turn=1, text="hello", start_ms=0, end_ms=900)
    await bus.publish(event(spoken, DEMO, "c_2", id="c_2-5", seq=5), raw=True)

    async def dead() -> bool:
        return len(await letters.list()) == 1

    await until(dead, "a dead letter")
    (letter,) = await letters.list()
    assert (letter.reason, letter.delivered) == ("failed 2 times, last with KeyError", 2)


async def test_while_dead_is_full_the_message_stays_where_it_is_and_dies_once_there_is_room(
    bus: Bus, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    stream, letters = client.jetstream(), DeadLetters(client)
    await stream.update_stream(name="DEAD", subjects=["dead.>"], max_bytes=64, discard="new")

    @bus.consumer("redaction", CallerSpoke, raw=True)
    async def redact(batch: list[Received[CallerSpoke]]) -> None:
        raise Permanent("no detector")

    await bus.start()
    spoken = CallerSpoke(turn=1, text="hello", start_ms=0, end_ms=900)
    await bus.publish(event(spoken, DEMO, "c_3", id="c_3-5", seq=5), raw=True)

    await until(lambda: "dead letter not stored" in caplog.messages, "it is said in the log")
    assert (await stream.consumer_info("RAW", "redaction")).num_ack_pending == 1

    await stream.update_stream(name="DEAD", subjects=["dead.>"], max_bytes=-1, discard="new")

    async def dead() -> bool:
        return len(await letters.list()) == 1

    await until(dead, "a dead letter", 20)


@pytest.mark.parametrize(
    "subject",
    [
        "$KV.cf_rulebooks.demo.agent",
        "$KV.cf_pins.call.x",
        "cf.demo.decision.apr_1.decide",
        "cf.demo.call.c_1.ended",
        "cf.demo.usage.c_1.measured.more",
    ],
)
async def test_a_letter_makes_the_operator_say_nothing_but_what_its_consumer_reads(
    bus: Bus, client: Client, subject: str
) -> None:
    letters = DeadLetters(client)
    for number in await buried(bus, letters):
        await client.jetstream().delete_msg("DEAD", number)
    heard = await client.subscribe(subject)
    forged = await client.jetstream().publish(f"dead.metering.{subject}", b"forged")

    with pytest.raises(UserError, match="no message of metering"):
        await letters.replay(forged.seq)
    assert await letters.replay_all() == []
    await client.flush()
    assert heard.pending_msgs == 0


async def test_letters_of_a_consumer_that_nobody_has_are_a_users_mistake(
    bus: Bus, client: Client
) -> None:
    letters = DeadLetters(client)
    await buried(bus, letters)
    assert await letters.list(durable="redaction") != []
    for nobody in ("metring", "follow-1"):
        with pytest.raises(UserError, match=f"no consumer '{nobody}'"):
            await letters.list(durable=nobody)
        with pytest.raises(UserError, match="no consumer"):
            await letters.replay_all(durable=nobody)


async def test_a_forged_letter_does_not_keep_the_others_from_being_listed(
    bus: Bus, client: Client
) -> None:
    letters = DeadLetters(client)
    await buried(bus, letters)
    odd = {"Nats-Msg-Size": "much", "cf-dead-delivered": "²", "cf-replays": "9" * 5000}
    for subject in ("dead.metering.cf.demo.usage.c_1.measured", "dead.x.y"):
        await client.jetstream().publish(subject, b"{}", headers=odd)
    assert len(await letters.list()) == 4
    assert len(await letters.list(durable="metering")) == 2
