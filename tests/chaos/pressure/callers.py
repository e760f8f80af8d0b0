"""Callers who talk while something is wrong, and what each of them heard."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle

from callfunnel.carrier.playout import SILENCE
from callfunnel.cli.carrier import Outcome
from callfunnel.cli.following import account_of
from callfunnel.cli.stack import running
from tests.simulators.callers import Leg, Party, Talker, spoken
from tests.simulators.running_stack import RunningStack

SENTENCES = ("why did my bill go up", "yes please", "thank you very much")
"""The first one needs a tool, and with it the database."""
_PAUSE_MS = 1_200
_PATIENCE_MS = 4_000
_FRAME = 160
_PAUSE_FRAMES = 40
"""Quiet for so long (0.8 s) parts one answer of the agent from the next."""
_LATE_S = 90.0


@dataclass(frozen=True)
class Heard:
    """What one caller heard: how often the agent spoke, and its longest silence in seconds."""

    answers: int
    longest_quiet_s: float


class Callers:
    """So many callers at once; they talk for `seconds`, or until they are told to hang up."""

    def __init__(self, stack: RunningStack, count: int, seconds: float = 600.0) -> None:
        self._count = count
        self._seconds = seconds
        self._party = Party(
            account_of(running(str(stack.home))), longest_s=seconds + count + _LATE_S, answer_s=20
        )
        self._legs: list[Leg] = []

    @property
    def calls(self) -> list[str]:
        """Those that somebody took up."""
        return [leg.call for leg in self._legs if leg.call]

    def start(self) -> None:
        """They dial, one second after the other."""
        voices = [spoken(text) for text in SENTENCES]
        for place in range(self._count):
            talker = Talker(
                cycle(voices),
                pause_ms=_PAUSE_MS,
                patience_ms=_PATIENCE_MS,
                longest_ms=round(self._seconds * 1_000),
            )
            number = f"+1555010{place:04}"
            self._legs.append(self._party.call(talker, number=number, after_s=place))

    def spoken_to_since(self, moment: float) -> bool:
        """Whether the agent has spoken to each of them after `moment` (monotonic)."""
        talks = [leg.talk for leg in self._legs if not leg.over]
        return all(each.spoken_to_after(round((moment - each.began) * 1_000)) for each in talks)

    def hang_up(self) -> None:
        """All come off the line now."""
        for leg in self._legs:
            leg.talker.hang_up = True

    def finish(self) -> list[Outcome]:
        """What became of the calls, once all have hung up."""
        for leg in self._legs:
            leg.work.result(_LATE_S)
        self._party.close()
        troubles = [leg.trouble for leg in self._legs if leg.trouble]
        assert not troubles, troubles
        return [leg.outcome for leg in self._legs if leg.outcome is not None]


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
