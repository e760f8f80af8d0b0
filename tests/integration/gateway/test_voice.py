"""A carrier offers a call: TwiML with a pin, the same for repetitions, and refusals."""

import asyncio
import secrets
from urllib.parse import urlsplit

import httpx
import msgspec
from twilio.request_validator import RequestValidator

from callfunnel.carrier.twiml import Hangup, Redirect, Say, Stream, parse
from callfunnel.domain.call import Pin, SlotHolder
from callfunnel.events.streams import PINS, SLOTS
from tests.integration.gateway.conftest import APOLOGY, AUTH_TOKEN, BUSY, Running
from tests.simulators.waiting import until


async def post(
    gateway: Running, path: str, *, token: str = AUTH_TOKEN, **changes: str
) -> httpx.Response:
    """A webhook as Twilio signs and sends it."""
    form = {
        "CallSid": f"CA{secrets.token_hex(16)}",
        "AccountSid": gateway.account,
        "From": "+15550100123",
        "To": gateway.number,
        "CallStatus": "ringing",
        **changes,
    }
    url = gateway.url + path
    signature = RequestValidator(token).compute_signature(url, form)
    return await gateway.http.post(url, data=form, headers={"X-Twilio-Signature": signature})


async def voice(gateway: Running, **changes: str) -> httpx.Response:
    return await post(gateway, "/carriers/twilio/voice", **changes)


def said(answer: httpx.Response) -> str:
    """The sentence of an answer that only speaks and hangs up."""
    assert answer.status_code == 200
    speech, end = parse(answer.text)
    assert (type(speech), type(end)) == (Say, Hangup)
    return speech.text if isinstance(speech, Say) else ""


async def pin_of(gateway: Running, call_sid: str) -> Pin:
    entry = await gateway.bus.kv(PINS.name).get(f"twilio-{call_sid}")
    assert entry is not None
    return msgspec.json.decode(entry.value, type=Pin)


async def test_an_offered_call_is_connected_to_the_worker_that_reserved_it(
    gateway: Running,
) -> None:
    worker = await gateway.worker()
    answer = await voice(gateway, CallSid="CA1")
    assert answer.status_code == 200
    stream, then = parse(answer.text)
    assert isinstance(stream, Stream)
    url = urlsplit(stream.url)
    (token,) = worker.tokens
    assert (url.scheme, url.path, url.query) == ("ws", f"/media/{worker.name}/{token}", "")
    assert then == Redirect(f"{gateway.url}/carriers/twilio/next")
    pin = await pin_of(gateway, "CA1")
    spec = worker.reserved[pin.call]
    assert (pin.token, pin.epoch, pin.worker, pin.state) == (token, 7, worker.name, "pinned")
    assert (spec.tenant, spec.caller, spec.rulebook_version) == (gateway.tenant, "+15550100123", 3)
    assert await gateway.bus.kv(SLOTS.name).get(spec.slot) is not None


async def test_a_repeated_webhook_gets_the_same_answer(gateway: Running) -> None:
    worker = await gateway.worker()
    answers = await asyncio.gather(*(voice(gateway, CallSid="CA2") for _ in range(5)))
    assert len({answer.text for answer in answers}) == 1
    pin = await pin_of(gateway, "CA2")
    losers = set(worker.reserved) - {pin.call}
    await until(lambda: losers <= set(worker.released), "the losers gave their slots back")
    held = [await gateway.bus.kv(SLOTS.name).get(spec.slot) for spec in worker.reserved.values()]
    holders = {entry.key for entry in held if entry}
    assert holders == {worker.reserved[pin.call].slot}


async def test_of_many_calls_at_once_exactly_the_tenants_limit_is_taken(
    gateway: Running,
) -> None:
    await gateway.worker(slots=40)
    answers = await asyncio.gather(*(voice(gateway, CallSid=f"CAm{n}") for n in range(25)))
    taken = [answer for answer in answers if "<Connect>" in answer.text]
    assert len(taken) == 10
    assert {said(answer) for answer in answers if answer not in taken} == {BUSY}
    slots = gateway.door.registry.slots
    await until(lambda: len(slots(gateway.tenant)) == 10, "ten slots are held")
    bucket = gateway.door.registry._slot_bucket
    held = [await bucket.get(f"{gateway.tenant}.{n}") for n in slots(gateway.tenant)]
    holders = {msgspec.json.decode(each.value, type=SlotHolder).call for each in held if each}
    assert len(holders) == 10


async def test_a_wrong_signature_is_refused_without_a_hint(gateway: Running) -> None:
    for path in ("voice", "next", "status"):
        answer = await post(gateway, f"/carriers/twilio/{path}", token="another")
        assert (answer.status_code, answer.content) == (403, b"")


async def test_another_account_of_the_same_carrier_is_refused(gateway: Running) -> None:
    assert (await voice(gateway, AccountSid="AC" + "0" * 32)).status_code == 403


async def test_an_unknown_number_is_told_so(gateway: Running) -> None:
    answer = await voice(gateway, To="+15559999999")
    assert said(answer) == "This number is not in service. Goodbye."


async def test_without_a_free_worker_the_caller_hears_the_busy_treatment(
    gateway: Running,
) -> None:
    worker = await gateway.worker()
    worker.refuses = "draining"
    first = await voice(gateway, CallSid="CA3")
    again = await voice(gateway, CallSid="CA3")
    assert said(first) == BUSY
    assert first.text == again.text
    pin = await pin_of(gateway, "CA3")
    assert (pin.state, pin.cause) == ("ended", "refused_busy")


async def test_after_the_stream_a_lost_call_is_apologised_for(gateway: Running) -> None:
    await gateway.worker()
    await voice(gateway, CallSid="CA4")
    answer = await post(gateway, "/carriers/twilio/next", CallSid="CA4")
    assert said(answer) == APOLOGY


async def test_a_status_callback_may_come_twice_and_late(gateway: Running) -> None:
    for status in ("completed", "ringing", "completed"):
        answer = await post(gateway, "/carriers/twilio/status", CallSid="CA5", CallStatus=status)
        assert answer.status_code == 204
