"""Redaction between RAW and CALLS on a real bus."""

import msgspec

from callfunnel.events.call import CallerSpoke
from callfunnel.events.envelope import to_wire
from callfunnel.events.message import subject_of
from callfunnel.infra.dead import DeadLetters
from callfunnel.infra.stored import stored
from tests.integration.features import running
from tests.simulators.made_up_call import TRACE, MadeUpCall, tell
from tests.simulators.waiting import until
from workers.persistence.service import FEATURES


def talk(tenant, sentences: int = 3) -> MadeUpCall:
    call = MadeUpCall(tenant)
    call.begin()
    call.says("my card is four one one one one one one one one one one one one one one one")
    for n in range(sentences):
        call.says(f"sentence {'abcdefghij'[n % 10]}")
    return call


async def spoken(bus, call: MadeUpCall) -> list:
    return await stored(bus, CallerSpoke, call.tenant, call.call)


async def test_facts_keep_their_id_number_time_and_trace(context, bus, tenant):
    call = talk(tenant)
    async with running(FEATURES["redaction"](context())):
        await tell(bus, call, call.ended())

        async def all_there():
            return len(await spoken(bus, call)) == 4

        await until(all_there, "every fact is on CALLS")
    told = await spoken(bus, call)
    sent = [event for event in call.facts if isinstance(event.data, CallerSpoke)]
    assert [item.envelope for item in told] == [event.envelope for event in sent]
    assert told[0].envelope.traceparent == TRACE
    assert told[0].data.text == "my card is <CARD_1>"


async def test_a_fact_that_is_redacted_twice_is_one(context, bus, tenant):
    call = talk(tenant)
    for _ in range(2):
        async with running(FEATURES["redaction"](context())):
            await bus.publish(*call.facts, raw=True)

            async def all_there():
                return len(await spoken(bus, call)) == 4

            await until(all_there, "every fact is on CALLS")
        call.facts = [
            type(event)(msgspec.structs.replace(event.envelope, id=event.envelope.id), event.data)
            for event in call.facts
        ]
    assert len(await spoken(bus, call)) == 4


async def test_what_is_no_fact_goes_to_dead_and_the_rest_goes_on(context, bus, tenant):
    call = talk(tenant)
    subject = subject_of(CallerSpoke, tenant, call.call, raw=True)
    headers = {**to_wire(call.facts[2], raw=True).headers, "Nats-Msg-Id": f"{call.call}-poison"}
    async with running(FEATURES["redaction"](context())):
        await bus.client.jetstream().publish(subject, b"{not json", headers=headers)
        await tell(bus, call, call.ended())

        async def all_there():
            return len(await spoken(bus, call)) == 4

        await until(all_there, "every fact is on CALLS")

        async def buried():
            letters = await DeadLetters(bus.client).list(durable="redaction")
            return any(call.call in letter.subject for letter in letters)

        await until(buried, "the poison is in DEAD")
