"""The worker process on the real bus: admission, the call, its end, and what outlives it."""

import asyncio
import signal
from typing import Any

import pytest

from callfunnel.carrier.caller import Manners as CallerManners
from callfunnel.carrier.caller import Speak, Wait
from callfunnel.domain.call import CallSpec, Cause, WorkerRecord
from callfunnel.domain.ids import WorkerId
from callfunnel.events.audio import AudioSegment
from callfunnel.events.call import CallEnded, CallOffered
from callfunnel.events.envelope import Event
from callfunnel.events.message import family_filter
from callfunnel.events.requests import Accepted, HangUp
from callfunnel.events.streams import PIN_KEPT_S, RAW, WORKERS
from callfunnel.infra.bus import Bus
from callfunnel.infra.settings import PlatformSettings
from callfunnel.local.private_stack import PrivateStack
from callfunnel.local.supervision.probes import status_of
from tests.integration.media.conftest import Admission, WorkerProcess
from tests.simulators.room import ACCOUNT, AUTH_TOKEN
from tests.simulators.sounds import tone
from tests.simulators.twilio_peer import Hostility, Outcome, Peer
from tests.simulators.waiting import until

QUICK = CallerManners(answer_after=300, patience=3_000, hangup_after=900, longest=15_000)
PATIENT = CallerManners(hangup_after=60_000)


def peer(
    record: WorkerRecord, platform: PlatformSettings, path: str, offered: CallSpec, **more: Any
) -> Peer:
    signed = platform.public_url.replace("http", "ws", 1) + path
    fields: dict[str, Any] = {"manners": QUICK, "signed_url": signed, **more}
    return Peer(record.url + path, offered.carrier_call_id, ACCOUNT, AUTH_TOKEN, **fields)


async def on_the_line(
    worker: WorkerProcess, admission: Admission, platform: PlatformSettings, **how: Any
) -> tuple[CallSpec, asyncio.Task[Outcome]]:
    """A call that is reserved and pinned, and its caller, who has begun to dial."""
    record = await admission.ready(worker.name)
    offered, reserved = await admission.offer(worker.name)
    path = await admission.pin(worker.name, offered, reserved)
    return offered, asyncio.create_task(peer(record, platform, path, offered, **how).run())


async def the_end(bus: Bus, offered: CallSpec) -> Event[CallEnded]:
    found: list[Event[Any]] = []

    async def told() -> bool:
        last = await bus.last(CallEnded, offered.tenant, offered.call, raw=True)
        found[:] = [last] if last else []
        return bool(found)

    await until(told, "the end is told", 15)
    return found[0]


async def test_a_call_is_reserved_talked_and_told(
    worker: WorkerProcess, admission: Admission, platform: PlatformSettings, media_bus: Bus
) -> None:
    record = await admission.ready(worker.name)
    offered, reserved = await admission.offer(worker.name)
    assert reserved.ok, reserved.reason
    path = await admission.pin(worker.name, offered, reserved)
    outcome = await peer(record, platform, path, offered, turns=[Speak(tone(700, 400))]).run()
    assert outcome.status == 101
    end = await the_end(media_bus, offered)
    assert end.data.cause is Cause.CALLER_HANGUP
    assert await media_bus.last(CallOffered, offered.tenant, offered.call, raw=True)
    pin = await admission.pinned(offered)
    assert (pin.state, pin.cause) == ("ended", "caller_hangup")
    assert await admission.term_of_pin(offered) == f"{PIN_KEPT_S}s"
    await until(lambda: admission.slot_is_free(offered), "the tenant's slot is free")


async def test_a_used_token_and_a_wrong_signature_are_refused(
    worker: WorkerProcess, admission: Admission, platform: PlatformSettings
) -> None:
    record = await admission.ready(worker.name)
    offered, reserved = await admission.offer(worker.name)
    path = await admission.pin(worker.name, offered, reserved)
    unsigned = Hostility(wrong_signature=True)
    refused = await peer(record, platform, path, offered, hostility=unsigned).run()
    assert refused.status == 403
    foreign = await peer(record, platform, path + "x", offered).run()
    assert foreign.status == 403
    first = await peer(record, platform, path, offered, hostility=Hostility(stop_at=5)).run()
    assert first.status == 101
    again = await peer(record, platform, path, offered).run()
    assert again.status == 403


async def test_a_call_that_is_pinned_and_never_connects_is_told_and_ended(
    worker: WorkerProcess, admission: Admission, media_bus: Bus
) -> None:
    await admission.ready(worker.name)
    offered, reserved = await admission.offer(worker.name)
    await admission.pin(worker.name, offered, reserved)
    end = await the_end(media_bus, offered)
    assert (end.data.cause, end.data.answered) == (Cause.MEDIA_LOST, False)
    assert (end.data.last_seq, end.data.segments) == (3, 0)
    await until(lambda: admission.slot_is_free(offered), "the tenant's slot is free")


async def test_a_reservation_that_was_never_pinned_is_forgotten_without_a_word(
    worker: WorkerProcess, admission: Admission, media_bus: Bus
) -> None:
    await admission.ready(worker.name)
    offered, reserved = await admission.offer(worker.name)
    assert reserved.ok
    await until(lambda: admission.slot_is_free(offered), "the tenant's slot is free")
    assert await media_bus.last(CallOffered, offered.tenant, offered.call, raw=True) is None
    record = await admission.record(worker.name)
    assert record is not None
    assert record.used == 0


async def test_a_call_outlives_the_bus_and_loses_no_fact(
    worker: WorkerProcess,
    admission: Admission,
    platform: PlatformSettings,
    media_bus: Bus,
    stack: PrivateStack,
) -> None:
    talk = [Speak(tone(700, 400)), Wait(1_000), Speak(tone(700, 400))]
    offered, call = await on_the_line(worker, admission, platform, turns=talk)
    await segments(media_bus, offered, 1)
    stack.kill("nats")
    outcome = await call
    stack.restart("nats")  # from the main thread: it would end with any other
    assert outcome.heard_ms > 2_000
    end = await the_end(media_bus, offered)
    assert end.data.cause is Cause.CALLER_HANGUP
    await until(lambda: _all_told(media_bus, end), "every fact and segment arrives")
    await until(lambda: admission.slot_is_free(offered), "the tenant's slot is free")
    assert (await admission.pinned(offered)).state == "ended"


async def _all_told(bus: Bus, end: Event[CallEnded]) -> bool:
    call, data = end.envelope, end.data
    subject = family_filter("raw", tenant=call.tenant, key=call.key)
    headers = await bus.stored_headers(RAW.name, subject)
    numbers = sorted(int(each["ce-seq"]) for each in headers)
    audio = await bus.last(AudioSegment, call.tenant, call.key)
    segments = audio.data.n + 1 if audio else 0
    return numbers == list(range(1, data.last_seq + 2)) and segments == data.segments


async def test_an_operator_hangs_up(
    worker: WorkerProcess,
    admission: Admission,
    platform: PlatformSettings,
    media_bus: Bus,
) -> None:
    offered, call = await on_the_line(worker, admission, platform, manners=PATIENT)

    async def hung_up() -> bool:
        asked = HangUp(by="operator@example.com")
        try:
            answer = await admission.bus.request(
                asked, Accepted, tenant=offered.tenant, key=offered.call
            )
        except Exception:  # not connected yet
            return False
        return answer.ok

    await until(hung_up, "the worker takes the hang-up")
    assert (await call).status == 101
    end = await the_end(media_bus, offered)
    assert end.data.cause is Cause.OPERATOR_HANGUP


async def test_a_killed_workers_call_is_ended_by_its_successor(
    worker: WorkerProcess, admission: Admission, platform: PlatformSettings, media_bus: Bus
) -> None:
    offered, call = await on_the_line(worker, admission, platform, manners=PATIENT)
    await segments(media_bus, offered, 1)
    worker.kill()
    await call
    worker.start_again()
    end = await the_end(media_bus, offered)
    assert end.data.cause is Cause.WORKER_LOST
    assert end.data.segments >= 1
    assert end.data.duration_ms == end.data.segments * 1000
    assert end.data.last_seq >= 4
    pin = await admission.pinned(offered)
    assert (pin.state, pin.cause) == ("ended", "worker_lost")
    await until(lambda: admission.slot_is_free(offered), "the tenant's slot is free")


async def test_a_worker_that_was_given_up_ends_its_calls_without_a_word(
    worker: WorkerProcess,
    admission: Admission,
    platform: PlatformSettings,
    media_bus: Bus,
    conductor_bus: Bus,
) -> None:
    offered, call = await on_the_line(worker, admission, platform, manners=PATIENT)
    await segments(media_bus, offered, 1)
    await admission.give_up(worker.name, offered, conductor_bus)
    assert (await call).close_code == 1000
    await until(lambda: _idle(admission, worker.name), "its place is free")
    assert await media_bus.last(CallEnded, offered.tenant, offered.call, raw=True) is None
    worker.kill()
    worker.start_again()
    await until(lambda: _idle(admission, worker.name), "its successor is there", 20)
    assert await media_bus.last(CallEnded, offered.tenant, offered.call, raw=True) is None


@pytest.mark.parametrize("worker", ["30"], indirect=True)
async def test_a_socket_that_comes_long_after_its_call_was_given_up_is_not_talked_to(
    worker: WorkerProcess,
    admission: Admission,
    platform: PlatformSettings,
    media_bus: Bus,
    conductor_bus: Bus,
) -> None:
    record = await admission.ready(worker.name)
    offered, reserved = await admission.offer(worker.name)
    path = await admission.pin(worker.name, offered, reserved)
    await admission.give_up(worker.name, offered, conductor_bus)
    await asyncio.sleep(10.0)  # the worker has looked after its calls, and looks no more
    call = await peer(record, platform, path, offered, manners=PATIENT).run()
    assert call.status == 101
    assert call.close_code in (1000, 1006)  # it speaks first, and may speak to a line that is down
    await until(lambda: _idle(admission, worker.name), "its place is free")
    assert await media_bus.last(CallEnded, offered.tenant, offered.call, raw=True) is None


async def test_a_worker_whose_lease_lapsed_keeps_the_calls_that_nobody_ended(
    worker: WorkerProcess,
    admission: Admission,
    platform: PlatformSettings,
    media_bus: Bus,
    conductor_bus: Bus,
) -> None:
    talk = [Wait(4000)]
    offered, call = await on_the_line(worker, admission, platform, turns=talk)
    await segments(media_bus, offered, 1)
    await conductor_bus.kv(WORKERS.name).delete(worker.name)
    await until(lambda: _live(admission, worker.name), "its record is back")
    assert (await call).status == 101
    end = await the_end(media_bus, offered)
    assert end.data.cause is Cause.CALLER_HANGUP


async def test_what_a_worker_left_that_nobody_starts_again_is_wound_up(
    worker: WorkerProcess, admission: Admission, platform: PlatformSettings, media_bus: Bus
) -> None:
    offered, call = await on_the_line(worker, admission, platform, manners=PATIENT)
    await segments(media_bus, offered, 1)
    worker.kill()
    await call
    assert await asyncio.to_thread(worker.wind_up) == 0
    end = await the_end(media_bus, offered)
    assert end.data.cause is Cause.WORKER_LOST
    assert await _all_told(media_bus, end)
    assert (await admission.pinned(offered)).state == "ended"
    assert await admission.slot_is_free(offered)
    assert not worker.settings.spool_dir.exists()


async def test_a_draining_worker_refuses_at_once_and_leaves_after_its_last_call(
    worker: WorkerProcess, admission: Admission, platform: PlatformSettings, media_bus: Bus
) -> None:
    talk = [Wait(1500)]
    offered, call = await on_the_line(worker, admission, platform, turns=talk)
    await until(lambda: _live(admission, worker.name), "the call is live")
    worker.process.send_signal(signal.SIGTERM)
    await until(lambda: _draining(admission, worker.name), "the record says draining", 2)
    assert not (await admission.offer(worker.name))[1].ok
    await until(lambda: "draining" in worker.told(), "it says since when it refuses")
    draining = worker.told()["draining"]
    assert (draining["refusing_at"] <= draining["known_at"], draining["calls"]) == (True, 1)
    own = f"http://127.0.0.1:{worker.told()['http_port']}"
    assert await asyncio.to_thread(status_of, f"{own}/readyz") == 503
    assert await asyncio.to_thread(status_of, f"{own}/healthz") == 200
    assert (await call).status == 101
    assert await worker.wait() == 0
    assert (await the_end(media_bus, offered)).data.cause is not Cause.WORKER_LOST
    assert await admission.record(worker.name) is None


async def test_calls_that_outlast_the_drain_have_their_last_words_and_are_ended(
    worker: WorkerProcess, admission: Admission, platform: PlatformSettings, media_bus: Bus
) -> None:
    offered, call = await on_the_line(worker, admission, platform, manners=PATIENT)
    await segments(media_bus, offered, 1)
    worker.process.send_signal(signal.SIGTERM)
    assert await worker.wait(15) == 0
    assert (await call).close_code == 1000
    assert (await the_end(media_bus, offered)).data.cause is Cause.DRAINED


async def test_a_worker_told_twice_ends_its_calls_and_leaves_at_once(
    worker: WorkerProcess, admission: Admission, platform: PlatformSettings, media_bus: Bus
) -> None:
    offered, call = await on_the_line(worker, admission, platform, manners=PATIENT)
    await segments(media_bus, offered, 1)
    worker.process.send_signal(signal.SIGTERM)
    await until(lambda: _draining(admission, worker.name), "the record says draining", 2)
    worker.process.send_signal(signal.SIGTERM)
    assert await worker.wait(2.0) == 0
    assert (await call).close_code == 1000
    assert (await the_end(media_bus, offered)).data.cause is Cause.DRAINED
    assert (await admission.pinned(offered)).cause == "drained"


async def _draining(admission: Admission, name: WorkerId) -> bool:
    record = await admission.record(name)
    return record is not None and record.draining


async def _live(admission: Admission, name: WorkerId) -> bool:
    record = await admission.record(name)
    return record is not None and record.used > 0


async def segments(bus: Bus, offered: CallSpec, count: int) -> None:
    async def enough() -> bool:
        last = await bus.last(AudioSegment, offered.tenant, offered.call)
        return last is not None and last.data.n + 1 >= count

    await until(enough, f"{count} segments are stored", 15)


async def _idle(admission: Admission, name: WorkerId) -> bool:
    record = await admission.record(name)
    return record is not None and not record.used and not record.draining
