"""How fast recordings of whole calls are put together after an outage: from segments to objects.

A segment is a second of both sides, 16 kB, so what gathers is bytes rather than messages: the
stream of segments has room for about 85,000 in the local stack. The audio is speech, one side at a
time, as on a telephone. Counted are calls whose segments are gone from the stream: their object is
in S3, and its row committed, by then.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from bench import behind, traffic
from bench.harness.cores import CORES, busy_s
from bench.harness.run import Run
from callfunnel.events.audio import AudioSegment
from callfunnel.events.envelope import Event
from callfunnel.events.streams import AUDIO
from callfunnel.infra.bus import Bus
from callfunnel.infra.espeak import Voice
from callfunnel.local.private_stack import PrivateStack
from tests.simulators.made_up_call import SEGMENT

SECOND = SEGMENT
SILENCE = b"\xff" * SECOND
_TENANTS = 10
_LIMIT_S = 240.0
_PAGE = 1000


def measure(run: Run) -> None:
    """`--count` segments, in calls of `--seconds`."""
    count, seconds = int(run.option("count", 60_000, quick=600)), int(run.option("seconds", 60))
    with behind.services() as (stack, core):
        calls = asyncio.run(_published(stack, count // seconds, seconds))
        with behind.serving(stack, core, "recordings", *behind.alone("recordings")) as service:
            segments, took, spent, others = asyncio.run(_drained(stack, service))
    run.figure("audio segments: backlog", segments / took, "segments/s", reach="> 10,000")
    run.figure(f"recordings of {seconds} s: backlog", segments / took / seconds, "calls/s")
    run.figure("audio put together", segments / took * 2 * SECOND / 1e6, "MB/s")
    run.figure("a segment: processor time", spent / segments * 1e6, "us")
    run.figure("the same of NATS, S3 and Postgres", others / segments * 1e6, "us")
    run.figure("their share of their core", others / took * 100, "%")
    run.figure("calls that waited", calls)


async def _published(stack: PrivateStack, count: int, seconds: int) -> int:
    """All segments and then the ends; how many calls that are."""
    who = traffic.tenants(_TENANTS)
    calls = [traffic.Call(who[n % _TENANTS]) for n in range(count)]
    media = await behind.bus_of(stack, "media")
    audio = _segments(calls, speech(seconds))
    while page := list(islice(audio, _PAGE)):
        await media.publish(*page, within_s=60)
    await media.stop()
    for call in calls:
        call.ends(seconds)
    persistence = await behind.bus_of(stack, "persistence")
    await behind.publish(persistence, [call.facts[-1] for call in calls])
    await persistence.stop()
    return count


def _segments(
    calls: Sequence[traffic.Call], sides: Sequence[tuple[bytes, bytes]]
) -> Iterator[Event[Any]]:
    """Second by second, as calls that go on at the same time are recorded."""
    for n, (caller, agent) in enumerate(sides):
        segment = AudioSegment(n=n, start=n * SECOND, caller=caller, agent=agent)
        for call in calls:
            yield call.event(f"{call.call}-a-{n}", segment)


def speech(seconds: int) -> list[tuple[bytes, bytes]]:
    """Caller and agent in turns, second by second; the one who listens is silent."""
    voice = Voice()
    said: list[tuple[bytes, bytes]] = []
    turn = 0
    while len(said) < seconds:
        words = (traffic.CALLER_SAYS, traffic.AGENT_SAYS)[turn % 2]
        ulaw, _ = voice.speak(words[turn // 2 % len(words)], "en-us", 165)
        heard = [ulaw[at : at + SECOND] for at in range(0, len(ulaw) - SECOND, SECOND)]
        said += [(SILENCE, one) if turn % 2 else (one, SILENCE) for one in heard]
        turn += 1
    return said[:seconds]


async def _drained(stack: PrivateStack, service: behind.Service) -> tuple[int, float, float, float]:
    """Segments, seconds, and processor seconds of the consumer and of the services' core."""
    boss = await behind.bus_of(stack, behind.SUPERVISOR)
    first = await _waiting(boss)
    deadline = time.monotonic() + _LIMIT_S
    began, spent, others, left = 0.0, 0.0, 0.0, first
    while left:
        behind.until(deadline, "the recordings")
        await asyncio.sleep(0.02)
        left = await _waiting(boss)
        if not began and left < first:
            began, spent, others, first = time.monotonic(), service.cpu_s, busy_s(CORES[0]), left
    took = time.monotonic() - began
    await boss.stop()
    return first, took, service.cpu_s - spent, busy_s(CORES[0]) - others


async def _waiting(boss: Bus) -> int:
    info = await boss.client.jetstream().stream_info(AUDIO.name)
    return info.state.messages
