"""The load: a process that is every caller and the model, `python -m bench.media.load`.

Told in lines: `{"calls": 100}` brings the number of live calls there; `{"settle": 5}` lets them
talk for so long; `{"window": 5}` measures and answers what was seen; `{"lasts": 30}` lets calls end
after about so many seconds, each replaced. Each call has a place in the 20 ms, so that frames come
evenly. Adding up what was seen stops the load for some 50 ms, and what it owes comes in one burst:
so nothing is added up before a window, only behind it.
"""

import asyncio
import contextlib
import itertools
import os
import random
import sys
import time
from pathlib import Path
from typing import Any, Final

import picows
import uvloop

from bench.harness.processes import announce, listen
from bench.media import authority
from bench.media.admission import Admission
from bench.media.caller import CallerPeer, framed
from bench.media.model import ModelPeer
from bench.media.seen import Seen
from callfunnel.domain.errors import Temporary
from callfunnel.infra.espeak import Voice
from callfunnel.infra.process import SWITCH_S
from callfunnel.infra.settings import PlatformSettings
from tests.simulators.room import ACCOUNT
from workers.media.audio.g711 import SILENCE
from workers.media.tidiness import Tidiness

PLACES: Final = 20
"""Milliseconds of a frame: calls are spread over them."""
_STEP_S: Final = 0.001
_CONNECT_EVERY_S: Final = 0.02
_SAID: Final = "Hello, I am calling because my bill went up last month, and I want to know why."


class Load:
    """All calls. `lasts`: how long a call goes on in the mean; 0 = until it is told to end."""

    def __init__(self, admission: Admission) -> None:
        self.seen = Seen()
        self.lasts = 0.0
        self.placed = 0
        self._admission = admission
        self._loop = asyncio.get_running_loop()
        self._places: list[list[CallerPeer]] = [[] for _ in range(PLACES)]
        self._calls: dict[int, CallerPeer] = {}
        self._numbers = itertools.count(1)
        self._random = random.Random(1)
        self._wanted = 0
        self._connecting = 0
        self._voice = _voice()
        self._next = time.monotonic()
        self._place = 0
        self._loop.call_later(_STEP_S, self._tick)

    def model(self) -> ModelPeer:
        """A session of the model for whoever connects."""
        return ModelPeer(self.seen, self._claim)

    async def bring_to(self, calls: int) -> None:
        """Returns once so many calls are live and talk with their model."""
        self._wanted = calls
        while len(self._calls) > calls:
            self._end(next(iter(self._calls.values())))
        while len(self._calls) < calls:
            if not self.lasts:  # else they come by themselves
                await self._try_to_connect()
            await asyncio.sleep(_CONNECT_EVERY_S)
        await self._all_claimed()

    async def _all_claimed(self) -> None:
        for caller in tuple(self._calls.values()):
            await caller.claimed.wait()

    async def window(self, seconds: float) -> dict[str, Any]:
        """What is seen from now on for so long."""
        for values in (self.seen.to_model, self.seen.to_caller, self.seen.to_clear):
            values.clear()
        self.seen.own_lag.clear()
        self.seen.setup.clear()
        self.seen.gone = self.seen.uncleared = 0
        await asyncio.sleep(seconds)
        return {**self.seen.told(), "calls": len(self._calls), "placed": self.placed}

    async def _try_to_connect(self) -> None:
        try:
            await self._connect()
        except (Temporary, OSError, picows.WSError):  # counted; the next one may come
            self.seen.gone += 1

    async def _connect(self) -> None:
        url, headers, carrier_call = await self._admission.place()
        number = next(self._numbers) % (1 << 16)
        caller = CallerPeer(number, carrier_call, ACCOUNT, self.seen)
        await picows.ws_connect(lambda: caller, url, extra_headers=headers)
        self._calls[number] = caller
        self.placed += 1
        self._places[number % PLACES].append(caller)
        if self.lasts:
            after = self._random.uniform(0.2, 1.8) * self.lasts
            self._loop.call_later(after, self._end, caller)

    def _end(self, caller: CallerPeer) -> None:
        if self._calls.pop(caller.number, None) is not None:
            self._places[caller.number % PLACES].remove(caller)
            caller.hang_up()

    async def keep_coming(self) -> None:
        """Replaces calls that ended."""
        while True:
            await asyncio.sleep(_CONNECT_EVERY_S)
            if not self.lasts or len(self._calls) >= self._wanted:
                continue
            await self._try_to_connect()

    def _claim(self, model: ModelPeer, number: int) -> None:
        caller = self._calls.get(number)
        if caller is not None:
            caller.belongs_to(model)

    def _tick(self) -> None:
        """Every millisecond: the calls of that place; what was missed is done at once."""
        now = time.monotonic()
        while self._next <= now:
            self.seen.own_lag.append(int((now - self._next) * 1e6))
            for caller in self._places[self._place]:
                caller.step(self._voice)
            self._place = (self._place + 1) % PLACES
            self._next += _STEP_S
            now = time.monotonic()
        self._loop.call_later(max(0.0, self._next - now), self._tick)


def _voice() -> list[tuple[bytes, bytes]]:
    """Silence, and then a sentence frame by frame."""
    ulaw, _ = Voice().speak(_SAID, "en-us", 165)
    pieces = [ulaw[at : at + 160] for at in range(0, len(ulaw) - 160, 160)]
    return [framed(piece, "MZ") for piece in (SILENCE * 160, *pieces)]


async def main(folder: Path, workers: list[str]) -> None:
    """Serves its starter until that one is gone."""
    admission = Admission(PlatformSettings.from_env(os.environ), workers)
    await admission.open()
    load = Load(admission)
    server = await picows.ws_create_server(
        lambda _request: load.model(),
        authority.HOST,
        0,
        ssl=authority.server_context(folder),
        max_frame_size=1024 * 1024,
    )
    announce(port=server.sockets[0].getsockname()[1])
    coming = asyncio.create_task(load.keep_coming())
    sys.setswitchinterval(SWITCH_S)
    Tidiness()
    while (told := await asyncio.to_thread(listen)) is not None:
        announce(**await _obey(load, admission, told))
    coming.cancel()
    await load.bring_to(0)
    await admission.close()


async def _obey(load: Load, admission: Admission, told: dict[str, Any]) -> dict[str, Any]:
    load.lasts = told.get("lasts", load.lasts)
    if "calls" in told:
        await admission.ready()
        await load.bring_to(told["calls"])
    if "window" in told:
        return await load.window(told["window"])
    await asyncio.sleep(told.get("settle", 0))
    return {}


def first_in_line() -> None:
    """What else runs on this core must not delay the load, unless it was started to be nice."""
    if os.getpriority(os.PRIO_PROCESS, 0) == 0:
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


if __name__ == "__main__":
    first_in_line()
    uvloop.run(main(Path(sys.argv[1]), sys.argv[2:]))
