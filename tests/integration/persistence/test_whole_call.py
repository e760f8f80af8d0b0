"""From the raw facts of a call to its sealed record, on the real services."""

import hashlib
import io
import json

import soundfile

from callfunnel.domain.call import Cause, EndedBy
from callfunnel.events.call import CallRefused
from tests.integration.features import running
from tests.simulators.made_up_call import MadeUpCall, tell, whole_call
from tests.simulators.waiting import until
from workers.billing.service import FEATURES as BILLING
from workers.persistence.service import FEATURES as PERSISTENCE


async def test_a_call_becomes_a_timeline_a_recording_a_bill_and_a_sealed_record(
    context, bus, objects, tenant, view
):
    hosted = context()
    features = [make(hosted) for make in (PERSISTENCE | BILLING).values()]
    call = whole_call(tenant, seconds=3)
    call.says("my card is four one one one one one one one one one one one one one one one")
    async with running(*features):
        await tell(bus, call, call.ended())

        async def settled():
            rows = await view(tenant, "api.calls", call.call)
            return rows and rows[0]["state"] == "settled"

        await until(settled, "the call is settled", within_s=20)
    shown = (await view(tenant, "api.calls", call.call))[0]
    assert shown["missing"] == []
    assert shown["from"] == "+15550102345"
    assert shown["timeline_complete"]
    assert shown["recording_ms"] == 3000
    facts = await view(tenant, "api.timeline", call.call)
    assert "four one one" not in json.dumps([fact["data"] for fact in facts])
    assert {fact["name"] for fact in facts} >= {"recording_stored", "rated", "settled", "ended"}
    recording = (await view(tenant, "api.recordings", call.call))[0]
    body = await objects.get(tenant, recording["object_key"])
    assert hashlib.sha256(body).hexdigest() == recording["sha256"]
    sound, rate = soundfile.read(io.BytesIO(body), dtype="int16")
    assert (rate, sound.shape) == (8000, (24_000, 2))
    lines = await view(tenant, "api.bill_lines", call.call)
    assert {line["meter"] for line in lines} == {"call.ms", "tool.calls", "recording.ms"}
    assert shown["amount_micros"] == sum(line["amount_micros"] for line in lines) == 1225
    record = (await view(tenant, "api.records", call.call))[0]
    assert hashlib.sha256(record["canonical"].encode()).hexdigest() == record["digest"]


async def test_a_refused_call_is_settled_too_with_nothing_missing_and_nothing_to_pay(
    context, bus, tenant, view
):
    hosted = context()
    call = MadeUpCall(tenant)
    call.begin()
    call.facts.pop()
    call.fact(CallRefused(reason="full", treatment="say"))
    end = call.ended(cause=Cause.REFUSED_BUSY, by=EndedBy.PLATFORM, answered=False, duration_ms=0)
    async with running(*(make(hosted) for make in (PERSISTENCE | BILLING).values())):
        await tell(bus, call, end)

        async def settled():
            rows = await view(tenant, "api.calls", call.call)
            return bool(rows) and rows[0]["settled"]

        await until(settled, "the call is settled", within_s=20)
    shown = (await view(tenant, "api.calls", call.call))[0]
    assert (shown["missing"], shown["amount_micros"], shown["recording_ms"]) == ([], 0, None)
    assert (shown["cause"], shown["connected_at"]) == ("refused_busy", None)
    assert await view(tenant, "api.bill_lines", call.call) == []
