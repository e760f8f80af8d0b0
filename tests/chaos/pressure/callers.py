"""Callers who talk while something is wrong, and what each of them heard."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from itertools import cycle, islice

import httpx

from callfunnel.carrier.caller import Speak
from callfunnel.carrier.playout import SILENCE
from callfunnel.cli.calling import DEMO_NUMBER
from callfunnel.cli.carrier import Carrier, Outcome
from callfunnel.cli.following import account_of
from callfunnel.cli.stack import running
from callfunnel.infra.speech import speak_once
from tests.simulators.running_stack import RunningStack

SENTENCES = ("why did my bill go up", "yes please", "thank you very much")
"""The first one needs a tool, and with it the database."""
_FRAME = 160
_PAUSE_FRAMES = 40
"""Quiet for so long (0.8 s) parts one answer of the agent from the next."""
_LATE_S = 90.0


@dataclass(frozen=True)
class Heard:
    """What one caller heard: how often the agent spoke, and its longest silence in seconds."""

    answers: int
    longest_quiet_s: float


@dataclass
class UntilTold:
    """Manners of somebody who stays on the line until told to hang up: `longest` is set to 0."""

    longest: int
    answer_after: int = 1_200
    patience: int = 4_000
    interrupt_after: int = 1_000
    hangup_after: int = 6_000


class Callers:
    """So many callers at once, in a thread of their own; they talk for `seconds`, or to the end."""

    def __init__(self, stack: RunningStack, count: int, seconds: float = 600.0) -> None:
        self.outcomes: list[Outcome] = []
        self.calls: list[str] = []
        self._account = account_of(running(str(stack.home)))
        self._count = count
        self._manners = UntilTold(round(seconds * 1000))
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """They dial, one second after the other."""
        self._thread.start()

    def hang_up(self) -> None:
        """All come off the line now."""
        self._manners.longest = 0

    def finish(self) -> list[Outcome]:
        """What became of the calls, once all have hung up."""
        self._thread.join(_LATE_S)
        assert not self._thread.is_alive(), "a caller does not come off the line"
        if self._failed is not None:
            raise self._failed
        return self.outcomes

    def _run(self) -> None:
        try:
            asyncio.run(self._talk())
        except BaseException as error:
            self._failed = error

    async def _talk(self) -> None:
        async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
            carrier = Carrier(self._account, self.calls.append, http)
            talks = [self._one(carrier, place) for place in range(self._count)]
            self.outcomes = list(await asyncio.gather(*talks))

    async def _one(self, carrier: Carrier, place: int) -> Outcome:
        await asyncio.sleep(place)
        said = [Speak(speak_once(text).ulaw) for text in SENTENCES]
        turns = list(islice(cycle(said), 500))
        numbers = (f"+1555010{place:04}", DEMO_NUMBER)
        return await carrier.place(numbers, turns, self._manners)


def one_more(stack: RunningStack) -> Callers:
    """A short new call, placed now."""
    caller = Callers(stack, 1, 3.0)
    caller.start()
    return caller


def heard(outcome: Outcome) -> Heard:
    """What there is to hear in a call's audio."""
    audio = bytes(outcome.heard)
    frames = [audio[at : at + _FRAME] for at in range(0, len(audio), _FRAME)]
    answers, quiet, longest = 0, _PAUSE_FRAMES, 0
    for frame in frames:
        if frame.count(SILENCE) == len(frame):
            quiet += 1
            longest = max(longest, quiet)
            continue
        answers += quiet >= _PAUSE_FRAMES
        quiet = 0
    return Heard(answers, longest / 50)
