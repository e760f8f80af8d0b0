"""Recordings on real services: silence for what is gone, patience while S3 is down."""

import hashlib
import io
from datetime import timedelta

import soundfile

from callfunnel.domain.call import Cause, EndedBy
from callfunnel.events.audio import AudioSegment
from callfunnel.events.settled import RecordingStored
from callfunnel.infra.stored import stored
from tests.integration.features import running
from tests.simulators.made_up_call import MadeUpCall, whole_call
from tests.simulators.waiting import until
from workers.persistence.recordings import recorder, rules
from workers.persistence.service import FEATURES


async def news(bus, call: MadeUpCall) -> list:
    return await stored(bus, RecordingStored, call.tenant, call.call)


async def segments(bus, call: MadeUpCall) -> int:
    return len(await stored(bus, AudioSegment, call.tenant, call.call))


async def told(bus, call: MadeUpCall, within_s: float = 20.0):
    async def there():
        return len(await news(bus, call)) == 1

    await until(there, "the recording is stored", within_s)

    async def purged():
        return await segments(bus, call) == 0

    await until(purged, "the segments are purged", within_s)
    return (await news(bus, call))[0].data


async def test_both_sides_are_one_object_and_the_segments_are_gone(
    context, bus, objects, tenant, view
):
    call = MadeUpCall(tenant)
    call.segment(caller=0x10)
    call.segment(agent=0x90)
    async with running(FEATURES["recordings"](context())):
        await bus.publish(*call.audio)
        await bus.publish(call.ended())
        recording = await told(bus, call)
    assert (recording.duration_ms, recording.segments, recording.missing_segments) == (2000, 2, 0)
    body = await objects.get(tenant, recording.object_key)
    assert (len(body), hashlib.sha256(body).hexdigest()) == (recording.size, recording.sha256)
    sound, _ = soundfile.read(io.BytesIO(body), dtype="int16")
    assert sound[:8000, 0].all()
    assert not sound[:8000, 1].any()
    assert sound[8000:, 1].all()
    assert not sound[8000:, 0].any()
    assert (await view(tenant, "api.recordings", call.call))[0]["sha256"] == recording.sha256


async def test_a_segment_that_never_comes_is_silence_and_counted(context, bus, tenant, monkeypatch):
    monkeypatch.setattr(rules, "GRACE_S", 1.0)
    call = whole_call(tenant, seconds=4)
    async with running(FEATURES["recordings"](context())):
        await bus.publish(call.audio[0], call.audio[2])
        await bus.publish(call.ended())
        recording = await told(bus, call)
    assert (recording.segments, recording.missing_segments) == (2, 2)
    assert recording.duration_ms == 4000


async def test_segments_that_come_after_the_end_are_waited_for(context, bus, tenant):
    call = whole_call(tenant, seconds=3)
    async with running(FEATURES["recordings"](context())):
        await bus.publish(call.audio[0], call.ended())
        assert await news(bus, call) == []
        await bus.publish(*call.audio[1:])
        recording = await told(bus, call)
    assert (recording.duration_ms, recording.missing_segments) == (3000, 0)


async def test_what_is_not_all_there_is_counted_and_not_read(context, bus, tenant, monkeypatch):
    looks: list[float] = []
    reads: list[str] = []
    look, read = rules.wait_for_count, recorder.stored

    def counted(waiting, count):
        looks.append(look(waiting, count))
        return looks[-1]

    async def reading(bus, message, tenant, call):
        reads.append(call)
        return await read(bus, message, tenant, call)

    monkeypatch.setattr(rules, "wait_for_count", counted)
    monkeypatch.setattr(recorder, "stored", reading)
    call = whole_call(tenant, seconds=3)
    async with running(FEATURES["recordings"](context())):
        await bus.publish(call.audio[0], call.ended())
        await until(lambda: len(looks) >= 2, "it looked again")
        assert call.call not in reads
        await bus.publish(*call.audio[1:])
        await told(bus, call)
    assert reads.count(call.call) == 1


async def test_a_lost_workers_call_is_made_of_what_came(context, bus, tenant, monkeypatch):
    monkeypatch.setattr(rules, "UNKNOWN_GRACE_S", 0.5)
    call = whole_call(tenant, seconds=3)
    end = call.ended(segments=-1, cause=Cause.WORKER_LOST, by=EndedBy.REAPER, duration_ms=0)
    async with running(FEATURES["recordings"](context())):
        await bus.publish(call.audio[0], call.audio[2])
        await bus.publish(end)
        recording = await told(bus, call)
    assert (recording.duration_ms, recording.missing_segments) == (3000, 1)


async def test_a_call_without_audio_says_so(context, bus, tenant):
    call = MadeUpCall(tenant)
    call.begin()
    async with running(FEATURES["recordings"](context())):
        await bus.publish(call.ended(answered=False))
        recording = await told(bus, call)
    assert (recording.object_key, recording.duration_ms, recording.sha256) == ("", 0, "")


async def test_an_end_that_comes_again_changes_nothing(context, bus, objects, tenant, view):
    call = whole_call(tenant, seconds=1)
    async with running(FEATURES["recordings"](context())):
        await bus.publish(*call.audio)
        await bus.publish(call.ended())
        before = await told(bus, call)
        rows = await view(tenant, "api.recordings", call.call)
    await bus.client.jetstream().delete_consumer("CALLS", "recordings")
    other = whole_call(tenant, seconds=1)
    async with running(FEATURES["recordings"](context())):
        await bus.publish(*other.audio)
        await bus.publish(other.ended())
        await told(bus, other)
        assert await view(tenant, "api.recordings", call.call) == rows
    assert (await news(bus, call))[0].data == before
    assert await objects.get(tenant, before.object_key) is not None


async def test_while_the_object_store_is_down_nothing_is_lost(context, bus, tenant, stack, view):
    call = whole_call(tenant, seconds=2)
    async with running(FEATURES["recordings"](context())):
        stack.kill("objects")
        try:
            await bus.publish(*call.audio)
            await bus.publish(call.ended())
        finally:
            stack.restart("objects")
        recording = await told(bus, call, within_s=40)
    assert (recording.duration_ms, recording.missing_segments) == (2000, 0)
    stored_at = (await view(tenant, "api.recordings", call.call))[0]["stored_at"]
    assert stored_at.utcoffset() == timedelta(0)


async def test_two_processes_make_every_recording_once(context, bus, tenant):
    calls = [whole_call(tenant, seconds=2) for _ in range(10)]
    async with (
        running(FEATURES["recordings"](context())),
        running(FEATURES["recordings"](context())),
    ):
        for call in calls:
            await bus.publish(*call.audio)
        await bus.publish(*(call.ended() for call in calls))
        made = [await told(bus, call) for call in calls]
    assert {recording.duration_ms for recording in made} == {2000}
