"""Virtual callers: each a carrier's call with somebody who goes on talking until told to stop.

All of them live on one event loop in a thread of its own, so that a frozen process under test, or
a main thread that waits for it, never makes them late.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, repeat
from math import inf

import httpx

from callfunnel.carrier.caller import Caller, Manners, Step
from callfunnel.carrier.frames import FRAME_BYTES, FRAME_MS
from callfunnel.carrier.playout import SILENCE
from callfunnel.carrier.twiml import Stream
from callfunnel.cli.calling import DEMO_NUMBER
from callfunnel.cli.carrier import Account, Carrier, Outcome
from callfunnel.domain.errors import UserError
from callfunnel.infra.speech import speak_once

CALLER = "+15550109999"
LONGEST_S = 120.0
ANSWER_S = 10.0
PAUSE_MS = 700
"""The agent's silence after which the caller speaks; also the longest pause inside one turn."""
PATIENCE_MS = 7_000
"""The same for a caller who was not answered."""


@lru_cache
def spoken(text: str) -> bytes:
    """A sentence as u-law."""
    return speak_once(text).ulaw


@dataclass
class Talk:
    """Who speaks when, milliseconds on the caller's clock; `began` is when that clock was 0."""

    began: float = 0.0
    agent: list[list[int]] = field(default_factory=list)
    mine: list[list[int]] = field(default_factory=list)

    def now(self) -> int:
        return round((time.monotonic() - self.began) * 1_000) if self.began else 0

    def hole_after(self, moment: int) -> int:
        """The longest silence inside one turn of the agent, after `moment`."""
        pairs = zip(self.agent, self.agent[1:], strict=False)
        return max((b[0] - a[1] for a, b in pairs if self._one_turn(a, b, moment)), default=0)

    def _one_turn(self, first: Sequence[int], then: Sequence[int], moment: int) -> bool:
        between = any(first[1] - 300 <= mine[1] and mine[0] < then[0] for mine in self.mine)
        return first[1] >= moment and then[0] - first[1] < PAUSE_MS and not between

    def spoken_to_after(self, moment: int) -> bool:
        """Whether the agent was heard more than a second after `moment`."""
        return any(end >= moment + 1_000 for _, end in self.agent)

    def answers_after(self, moment: int) -> list[int]:
        """How long the agent took for each answer that it began after `moment`."""
        waits = []
        for _, end in self.mine:
            answer = next((begin for begin, _ in self.agent if begin >= end), None)
            if answer is not None and answer >= moment:
                waits.append(answer - max(end, moment))
        return waits


class Talker(Caller):
    """Says one sentence after the other, each when the agent has been quiet for `pause_ms`.

    Hangs up `longest_ms` after the call began, at once when `hang_up` is set, and when `leave` is,
    after the sentence.
    """

    def __init__(
        self,
        sentences: Iterable[bytes],
        *,
        pause_ms: int = PAUSE_MS,
        patience_ms: int = PATIENCE_MS,
        longest_ms: float = inf,
    ) -> None:
        super().__init__([], Manners(), now=0)
        self.talk = Talk()
        self.leave = False
        self.hang_up = False
        self._sentences = iter(sentences)
        self._pause_ms = pause_ms
        self._patience_ms = patience_ms
        self._longest_ms = longest_ms
        self._voice = b""
        self._quiet_since = 0

    @property
    def said(self) -> int:
        return len(self.talk.mine)

    def step(self, now: int, agent_speaking: bool) -> Step:
        if not self.talk.began:
            self.talk.began = time.monotonic()
        if agent_speaking:
            _mark(self.talk.agent, now - FRAME_MS, now)
            self._quiet_since = now
        if self._goes(now):
            return Step(SILENCE * FRAME_BYTES, hang_up=True)
        self._begin(now)
        frame, self._voice = self._voice[:FRAME_BYTES], self._voice[FRAME_BYTES:]
        if frame:
            _mark(self.talk.mine, now, now + FRAME_MS)
            self._quiet_since = now
        return Step(frame.ljust(FRAME_BYTES, SILENCE))

    def _goes(self, now: int) -> bool:
        has_said = not self._voice and now - self._quiet_since > 200
        return self.hang_up or now >= self._longest_ms or (self.leave and has_said)

    def _begin(self, now: int) -> None:
        heard_last = bool(self.talk.agent) and (
            not self.talk.mine or self.talk.agent[-1][1] > self.talk.mine[-1][1]
        )
        patience = self._pause_ms if heard_last else self._patience_ms
        if not self._voice and not self.leave and now - self._quiet_since > patience:
            self._voice = next(self._sentences, b"")


def _mark(runs: list[list[int]], begin: int, end: int) -> None:
    if runs and begin <= runs[-1][1]:
        runs[-1][1] = end
    else:
        runs.append([begin, end])


@dataclass
class Leg:
    """One caller and their call."""

    talker: Talker
    picked_up: asyncio.Event
    call: str = ""
    outcome: Outcome | None = None
    trouble: str = ""
    ended: float = 0.0
    """When the line went down, monotonic."""
    work: Future[None] = field(default_factory=Future)

    @property
    def talk(self) -> Talk:
        return self.talker.talk

    @property
    def over(self) -> bool:
        """The line is down."""
        return self.work.done()

    @property
    def heard(self) -> bool:
        return bool(self.talk.agent)


class _Line(Carrier):
    """One leg's: connects the media once it was picked up, and lets the leg's talker talk."""

    leg: Leg

    async def _talk(self, stream: Stream, outcome: Outcome, caller: Caller) -> None:
        self.leg.outcome = outcome
        self.leg.call = stream.parameters.get("call", "")
        await self.leg.picked_up.wait()
        await super()._talk(stream, outcome, self.leg.talker)


class Party:
    """The callers' loop. Who calls is on their way at once."""

    def __init__(
        self, account: Account, *, longest_s: float = LONGEST_S, answer_s: float = ANSWER_S
    ) -> None:
        self.account = account
        self._longest_s = longest_s
        self._answer_s = answer_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def dial(self, *sentences: str, held: bool = False) -> Leg:
        """Somebody calls, and asks the last sentence again and again. `held`: the media waits for
        `pick_up`."""
        voice = [spoken(each) for each in sentences]
        return self.call(Talker(chain(voice, repeat(voice[-1]))), held=held)

    def call(
        self, talker: Talker, *, number: str = CALLER, after_s: float = 0.0, held: bool = False
    ) -> Leg:
        """`talker` calls from `number`, in so many seconds."""
        leg = Leg(talker, asyncio.Event())
        if not held:
            leg.picked_up.set()
        calling = self._call(leg, number, after_s)
        leg.work = asyncio.run_coroutine_threadsafe(calling, self._loop)
        return leg

    def pick_up(self, leg: Leg) -> None:
        self._loop.call_soon_threadsafe(leg.picked_up.set)

    def close(self) -> None:
        """Everybody still on the line is cut off."""
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _call(self, leg: Leg, number: str, after_s: float) -> None:
        try:
            await asyncio.sleep(after_s)
            async with httpx.AsyncClient(timeout=self._answer_s, trust_env=False) as http:
                line = _Line(self.account, lambda _: None, http)
                line.leg = leg
                async with asyncio.timeout(self._longest_s):
                    leg.outcome = await line.place((number, DEMO_NUMBER), [], Manners())
        except (httpx.HTTPError, UserError, TimeoutError) as problem:
            leg.trouble = f"{type(problem).__name__}: {problem}"
        finally:
            leg.ended = time.monotonic()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
