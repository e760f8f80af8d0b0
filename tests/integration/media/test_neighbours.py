"""What others send, or their models, is never heard in another call of the same worker."""

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence

import pytest

from callfunnel.carrier.caller import Manners, Speak
from callfunnel.carrier.signature import signature
from callfunnel.domain.call import CallSpec, Cause
from callfunnel.events.audio import AudioSegment
from callfunnel.infra.bus import Bus
from callfunnel.infra.settings import PlatformSettings
from callfunnel.infra.stored import stored
from tests.integration.media.conftest import REPOSITORY, Admission, WorkerProcess
from tests.integration.media.test_worker import peer, segments, the_end
from tests.simulators.openai_realtime import spoken
from tests.simulators.openai_server import OTHERS
from tests.simulators.rabble import MANNERS
from tests.simulators.room import AUTH_TOKEN, rulebook
from tests.simulators.twilio_peer import Outcome

GREETING = "Hello and welcome to the longest greeting that was ever spoken on this telephone line."
CALM = Manners(interrupt_after=200, hangup_after=1_500, longest=20_000)
RABBLE = (sys.executable, "-m", "tests.simulators.rabble")
WHISPER = bytes(random.Random(4).choices((0xFE, 0x7E, 0xFD, 0x7D), k=160 * 200))
"""Four seconds that are nowhere alike, too quiet for anybody's voice detection."""


@pytest.fixture
def model_url() -> Iterator[str]:
    """Faithful to the good caller; the sessions of all others flood."""
    command = [*RABBLE, "model", GREETING]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as model:
        assert model.stdout is not None
        yield model.stdout.readline().strip()
        model.kill()


@pytest.fixture
def rabble() -> Iterator["subprocess.Popen[str]"]:
    command = [*RABBLE, "callers"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, text=True) as callers:
        yield callers
        callers.kill()


class Street:
    """One worker; a good caller, and others."""

    def __init__(
        self, worker: WorkerProcess, admission: Admission, platform: PlatformSettings
    ) -> None:
        self._worker, self._admission, self._platform = worker, admission, platform

    async def good_call(self) -> tuple[CallSpec, "asyncio.Task[Outcome]"]:
        """Begins it."""
        record = await self._admission.ready(self._worker.name)
        self._admission.book = rulebook(greeting=GREETING)
        offered, path = await self._reserved()
        talk = [Speak(WHISPER, over=True)]
        caller = peer(record, self._platform, path, offered, turns=talk, manners=CALM)
        return offered, asyncio.create_task(caller.run())

    async def let_loose(
        self, rabble: "subprocess.Popen[str]", manners: Sequence[str]
    ) -> list[CallSpec]:
        """A call of each manner at once."""
        record = await self._admission.ready(self._worker.name)
        self._admission.book = rulebook(persona={"name": OTHERS, "company": "Street"})
        assert rabble.stdin is not None
        calls = []
        for manner in manners:
            offered, path = await self._reserved()
            url = self._platform.public_url.replace("http", "ws", 1) + path
            signed = signature(AUTH_TOKEN, url)
            rabble.stdin.write(f"{manner} {record.url + path} {signed} {offered.carrier_call_id}\n")
            rabble.stdin.flush()
            calls.append(offered)
        return calls

    async def _reserved(self) -> tuple[CallSpec, str]:
        offered, reserved = await self._admission.offer(self._worker.name)
        assert reserved.ok, reserved.reason
        return offered, await self._admission.pin(self._worker.name, offered, reserved)


def gaps(heard: bytes) -> list[int]:
    """Where the greeting was not heard as it was said: milliseconds of silence that are not its."""
    said = b"".join(spoken(GREETING))
    begin = heard.find(said[:800])
    assert begin >= 0, "the greeting did not begin"
    found, at = [], begin
    while said:
        pairs = enumerate(zip(heard[at:], said, strict=False))
        same = next((n for n, (one, other) in pairs if one != other), len(said))
        said, at = said[same:], at + same
        silent = len(heard[at:]) - len(heard[at:].lstrip(b"\xff"))
        if said:
            found.append(silent // 8)
            at += silent
            assert silent, "something else was heard"
    return found


@pytest.fixture
def street(worker: WorkerProcess, admission: Admission, platform: PlatformSettings) -> Street:
    return Street(worker, admission, platform)


async def undisturbed(
    street: Street, rabble: "subprocess.Popen[str]", bus: Bus, manners: list[str]
) -> tuple[CallSpec, list[CallSpec], list[int]]:
    """The good call, the others, and what it missed. A machine that was busy with something else
    is given two more tries: what the others cost, they cost every time."""
    for _ in range(3):
        good, call = await street.good_call()
        await segments(bus, good, 1)
        bad = await street.let_loose(rabble, manners)
        lost = gaps((await call).heard)
        if not lost:
            break
    return good, bad, lost


@pytest.mark.parametrize(
    ("manners", "note"),
    [
        ([each for each in MANNERS if each != "patient"], "more than a call sends"),
        (["patient"] * 6, "more than a model says"),
    ],
    ids=["callers", "models"],
)
async def test_whatever_others_send_a_call_loses_no_frame_and_hears_nothing_of_it(
    street: Street,
    rabble: "subprocess.Popen[str]",
    media_bus: Bus,
    manners: list[str],
    note: str,
) -> None:
    good, bad, lost = await undisturbed(street, rabble, media_bus, manners)
    assert lost == []
    ends = [await the_end(media_bus, each) for each in bad]
    assert {each.data.cause for each in ends} <= {Cause.MEDIA_LOST, Cause.MODEL_FAILED}
    assert any(note in each.data.note for each in ends)
    assert (await the_end(media_bus, good)).data.cause is Cause.CALLER_HANGUP
    parts = [each.data for each in await stored(media_bus, AudioSegment, good.tenant, good.call)]
    told = b"".join(each.caller for each in sorted(parts, key=lambda each: each.n))
    assert WHISPER in told
