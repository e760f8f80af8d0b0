"""A role's bus password in the wrong hands: what the other roles read and say stays theirs."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import nats
import nats.errors
import pytest
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig

from callfunnel.domain.errors import Permanent
from callfunnel.domain.ids import PLATFORM
from callfunnel.events.envelope import from_wire
from callfunnel.infra.sealed import SealedSecrets

SPOKEN = "cf.t-x.raw.c_1.caller_spoke"
SECRET = b"my card is 4111"
ROLES = ("gateway", "media", "conductor", "persistence", "billing")
ClientOf = Callable[..., Awaitable[Client]]


@pytest.fixture
async def client_of(nats_url: str, platform_secrets: SealedSecrets) -> AsyncIterator[ClientOf]:
    """`await client_of(role)` is a plain client of that role, with the inbox it says it has."""
    async with AsyncExitStack() as closing:

        async def ignore(_: Exception) -> None:
            """A refusal is what these tests look for."""

        async def client_of(role: str, inbox: str = "") -> Client:
            user = await platform_secrets.get(PLATFORM, f"nats/{role}")
            client = await nats.connect(
                nats_url,
                user=user["user"],
                password=user["password"],
                inbox_prefix=inbox or f"_INBOX.{role}",
                error_cb=ignore,
            )
            closing.push_async_callback(client.close)
            return client

        yield client_of


async def is_refused(client: Client, subject: str, body: bytes = b"") -> bool:
    """Whether the server does not let this client say that: it objects before the next pong."""
    client._err = None
    await client.publish(subject, body, reply=client.new_inbox())
    await client.flush()  # its ping overtakes what was published: the second one does not
    await client.flush()
    return "permissions violation" in str(client.last_error).lower()


@pytest.mark.parametrize("role", ["gateway", "media", "billing"])
@pytest.mark.parametrize("ear", ["_INBOX.>", "_INBOX.persistence.>", ">"])
async def test_what_redaction_reads_is_heard_in_no_other_roles_inbox(
    client_of: ClientOf, role: str, ear: str
) -> None:
    listener = await client_of(role)
    listening = await listener.subscribe(ear)
    reader = (await client_of("persistence")).jetstream()
    durable = f"ears-{role}-{len(ear)}"
    config = ConsumerConfig(durable_name=durable, filter_subject=SPOKEN)
    reading = await reader.pull_subscribe(SPOKEN, durable=durable, stream="RAW", config=config)
    await (await client_of("media")).jetstream().publish(SPOKEN, SECRET)

    assert SECRET in [found.data for found in await reading.fetch(100, timeout=2)]
    with pytest.raises(nats.errors.TimeoutError):
        await listening.next_msg(timeout=0.2)
    await reader.delete_consumer("RAW", durable)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("stream", ["RAW", "CALLS", "USAGE", "DEAD", "KV_cf_pins"])
async def test_no_role_takes_messages_out_of_a_stream(
    client_of: ClientOf, role: str, stream: str
) -> None:
    thief = await client_of(role)
    nobody = b'{"filter":"cf.nobody.raw.x.y"}'
    assert await is_refused(thief, f"$JS.API.STREAM.PURGE.{stream}", nobody)
    assert await is_refused(thief, f"$JS.API.STREAM.MSG.DELETE.{stream}", b'{"seq":99999}')
    assert await is_refused(thief, f"$JS.API.CONSUMER.PAUSE.{stream}.redaction", b"{}")


@pytest.mark.parametrize("role", ["gateway", "media", "billing"])
async def test_nobody_reads_or_acknowledges_in_the_name_of_another_consumer(
    client_of: ClientOf, role: str
) -> None:
    thief = await client_of(role)
    for api in (
        "CONSUMER.MSG.NEXT.RAW.redaction",
        "CONSUMER.DELETE.RAW.redaction",
        "CONSUMER.MSG.NEXT.CALLS.timeline",
        "CONSUMER.DELETE.CALLS.timeline",
        "CONSUMER.CREATE.CALLS.settlement.cf.nobody.call.x.ended",
        "CONSUMER.CREATE.DEAD.mine",
        "STREAM.MSG.GET.DEAD",
    ):
        assert await is_refused(thief, f"$JS.API.{api}", b"{}"), api
    for ack in ("RAW.redaction", "CALLS.timeline"):
        assert await is_refused(thief, f"$JS.ACK.{ack}.1.1.1.1.0", b"+ACK"), ack


@pytest.mark.parametrize(
    ("role", "subject"),
    [
        ("gateway", "cf.t-x.call.c_1.settled"),
        ("gateway", "cf.t-x.raw.c_1.caller_spoke"),
        ("gateway", "cf.t-x.usage.c_1.measured"),
        ("gateway", "$KV.cf_rulebooks.t-x.agent"),
        ("gateway", "$KV.cf_workers.media-1"),
        ("media", "cf.t-x.call.c_1.caller_spoke"),
        ("media", "cf.t-x.decision.apr_1.decide"),
        ("media", "$KV.cf_rulebooks.t-x.agent"),
        ("billing", "cf.t-x.usage.c_1.measured"),
        ("billing", "cf.t-x.raw.c_1.ended"),
        ("billing", "cf.t-x.control.c_1.hangup"),
        ("persistence", "cf.t-x.call.c_1.rated"),
        ("persistence", "cf.t-x.usage.c_1.measured"),
        ("conductor", "cf.t-x.raw.c_1.caller_spoke"),
        ("conductor", "cf.t-x.usage.c_1.measured"),
        ("billing", "dead.metering.$KV.cf_rulebooks.t-x.agent"),
        ("billing", "dead.metering.cf.t-x.raw.c_1.caller_spoke"),
        ("persistence", "dead.redaction.$JS.API.STREAM.PURGE.CALLS"),
        ("persistence", "dead.timeline.cf.t-x.decision.apr_1.decide"),
    ],
)
async def test_nobody_says_what_is_anothers_to_say(
    client_of: ClientOf, role: str, subject: str
) -> None:
    assert await is_refused(await client_of(role), subject, b"{}")


@pytest.mark.parametrize("fact", ["offered", "admitted", "refused", "pinned", "ended"])
async def test_the_reaper_may_tell_what_the_dead_left_untold(
    client_of: ClientOf, fact: str
) -> None:
    reaper = (await client_of("conductor")).jetstream()
    assert (await reaper.publish(f"cf.t-x.raw.c_2.{fact}", b"{}")).stream == "RAW"


@pytest.mark.parametrize("role", ["gateway", "persistence", "billing"])
async def test_arguments_of_a_tool_are_heard_by_tools_alone(client_of: ClientOf, role: str) -> None:
    listening = await (await client_of(role)).subscribe("cf.*.tool.>")
    media = await client_of("media")
    with pytest.raises(nats.errors.Error):
        await media.request("cf.t-x.tool.c_1.run", SECRET, timeout=0.3)
    with pytest.raises(nats.errors.TimeoutError):
        await listening.next_msg(timeout=0.1)


@pytest.mark.parametrize("role", ROLES)
async def test_the_server_does_not_say_for_a_role_what_it_may_not_say(
    client_of: ClientOf, role: str
) -> None:
    """An answer of the bus's own API goes where the asker says: none may hold a made-up message."""
    thief = await client_of(role)
    for stream in ("RAW", "CALLS", "APPROVALS", "KV_cf_pins", "KV_cf_slots", "KV_cf_rulebooks"):
        for asked in (stream, f"{stream}.$KV.cf_pins.forged", f"{stream}.cf.t-x.raw.c_1.ended"):
            assert await is_refused(thief, f"$JS.API.DIRECT.GET.{asked}", b"{}"), asked


@pytest.mark.parametrize("deliver", ["push", "pull"])
async def test_a_consumer_does_not_bring_a_made_up_message_to_where_its_maker_may_not_speak(
    client_of: ClientOf, deliver: str
) -> None:
    """A media worker writes a pin as it likes, and has it delivered as a person's decision."""
    thief = await client_of("media")
    decided, pin = "cf.t-x.decision.apr_1.decide", f"$KV.cf_pins.forged-{deliver}"
    deciding = await (await client_of("conductor")).subscribe("cf.*.decision.*.decide")
    await thief.jetstream().publish(pin, SECRET, headers={"ce-id": "m_1"})
    push = {"deliver_subject": decided, "ack_policy": AckPolicy.NONE} if deliver == "push" else {}
    config = ConsumerConfig(name=f"thief-{deliver}", filter_subject=pin, **push)
    await thief.jetstream().add_consumer("KV_cf_pins", config)
    asked = f"$JS.API.CONSUMER.MSG.NEXT.KV_cf_pins.thief-{deliver}"
    await thief.publish(asked, b"", reply=decided)

    async def refused() -> bool:
        try:
            heard = await deciding.next_msg(timeout=0.3)
        except nats.errors.TimeoutError:
            return True
        with pytest.raises(Permanent):
            from_wire(heard.headers, heard.data, heard.subject)
        return True

    assert await refused()


@pytest.mark.parametrize("role", ROLES)
async def test_nobody_answers_in_the_name_of_another(client_of: ClientOf, role: str) -> None:
    answers = {"media": {"gateway"}, "conductor": {"gateway", "media"}}.get(role, set())
    thief = await client_of(role)
    for other in ROLES:
        refused = await is_refused(thief, f"_INBOX.{other}.made-up.1", b"{}")
        assert refused == (other not in answers), other
