"""Many callers at once on one running stack: seats that are never empty, and what became of each.

A seat places a call, stays on the line for its time, hangs up and places the next one. The callers
say nothing: what matters here is whether somebody else ends their call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from callfunnel.carrier.caller import Manners
from callfunnel.cli.carrier import Account, Carrier, Outcome
from callfunnel.domain.errors import UserError

ANSWER_S = 30.0
AFTER_A_REFUSAL_S = 0.5


@dataclass
class Seen:
    """What the callers saw. Every call that was answered is in exactly one list."""

    whole: list[Outcome] = field(default_factory=list)
    """Ended by their caller, as they should be."""
    dropped: list[Outcome] = field(default_factory=list)
    """Answered, and ended by anything else."""
    busy: list[Outcome] = field(default_factory=list)
    """Not taken, and told so by the carrier's voice."""
    unanswered: list[str] = field(default_factory=list)
    """The webhook had no answer at all: why."""
    waits: list[float] = field(default_factory=list)
    """Seconds from dialling to the first sound."""

    def add(self, outcome: Outcome) -> None:
        if outcome.answered_ms is not None:
            self.waits.append(outcome.answered_ms / 1000)
        if outcome.ended_by == "caller":
            self.whole.append(outcome)
        elif outcome.connected:
            self.dropped.append(outcome)
        elif outcome.said:
            self.busy.append(outcome)
        else:
            self.unanswered.append(f"{outcome.ended_by} {outcome.detail} {outcome.complaints}")

    @property
    def lines(self) -> Iterator[str]:
        """For a person."""
        yield f"{len(self.whole)} calls ended by their caller"
        yield f"{len(self.dropped)} dropped"
        for outcome in self.dropped:
            yield f"  {outcome.call} {outcome.ended_by} {outcome.said} {outcome.complaints}"
        yield f"{len(self.busy)} heard the busy treatment: {sorted({*self._said})}"
        yield f"{len(self.unanswered)} had no answer: {sorted({*self.unanswered})}"
        if self.waits:
            waits = sorted(self.waits)
            middle, late = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
            yield f"first sound after {middle:.2f} s (median), {late:.2f} s (p99)"

    @property
    def _said(self) -> Iterator[str]:
        for outcome in self.busy:
            yield from outcome.said


class Crowd:
    """`seats` callers towards the stack of a ready file, from `begin` to `end`.

    Each call takes from the shorter to the longer of `lasts`, seconds.
    """

    def __init__(
        self, ready: dict[str, Any], seats: int, *, lasts: tuple[int, int] = (8, 30), seed: int = 1
    ) -> None:
        carrier = ready["carrier"]
        gateway = ready["gateway"]
        self._account = Account(gateway, gateway, carrier["account_sid"], carrier["auth_token"])
        self._number = carrier["number"]
        self._seats = seats
        self._shortest, self._longest = (1000 * each for each in lasts)
        self._chance = Random(seed)
        self._over = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.seen = Seen()

    async def begin(self) -> None:
        """The seats fill one after the other."""
        for n in range(self._seats):
            self._tasks.append(asyncio.create_task(self._seat(n)))
            await asyncio.sleep(0.05)

    async def end(self) -> Seen:
        """No further calls; returns once the last one is over."""
        self._over.set()
        await asyncio.gather(*self._tasks)
        return self.seen

    async def _seat(self, n: int) -> None:
        async with httpx.AsyncClient(timeout=ANSWER_S, trust_env=False) as http:
            while not self._over.is_set():
                began = time.monotonic()
                await self._one_call(n, http)
                if time.monotonic() - began < AFTER_A_REFUSAL_S:
                    await asyncio.sleep(AFTER_A_REFUSAL_S)

    async def _one_call(self, n: int, http: httpx.AsyncClient) -> None:
        longest = self._chance.randint(self._shortest, self._longest)
        manners = Manners(longest=longest, hangup_after=2 * longest, patience=2 * longest)
        numbers = (f"+1555020{n:04d}", self._number)

        carrier = Carrier(self._account, lambda _call: None, http)
        try:
            self.seen.add(await carrier.place(numbers, (), manners))
        except (httpx.HTTPError, UserError) as failure:
            self.seen.unanswered.append(f"{type(failure).__name__}: {failure}")
