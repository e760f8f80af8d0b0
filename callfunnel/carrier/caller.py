"""A caller with a script: what they say or press next, and when they hang up.

Each turn waits for the agent to have spoken and fallen quiet, as people do; a turn `over` the agent
begins while it speaks. Times are milliseconds on the caller's clock, audio is 8 kHz u-law.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from callfunnel.carrier.frames import FRAME_BYTES, FRAME_MS
from callfunnel.carrier.playout import SILENCE


@dataclass(frozen=True)
class Speak:
    """`over`: begin while the agent talks instead of after it."""

    audio: bytes
    over: bool = False


@dataclass(frozen=True)
class Wait:
    ms: int


@dataclass(frozen=True)
class Press:
    digits: str


Turn = Speak | Wait | Press


@dataclass(frozen=True)
class Manners:
    """How patient the caller is, milliseconds."""

    answer_after: int = 1_200
    """The agent's silence that ends its turn."""
    patience: int = 6_000
    """An agent that says nothing at all is talked to after this."""
    interrupt_after: int = 1_000
    """How long the agent talks before a turn `over` it begins."""
    hangup_after: int = 6_000
    """The agent's silence after the last turn that ends the call."""
    longest: int = 600_000
    """The call is hung up by then, whatever happens."""


@dataclass(frozen=True)
class Step:
    """What one 20 ms frame brings: always audio, sometimes a digit, at last the hang-up."""

    audio: bytes
    digit: str = ""
    hang_up: bool = False


class Caller:
    """Steps once per frame. Hand in whether the agent could be heard in the frame before."""

    def __init__(self, turns: Sequence[Turn], manners: Manners, now: int) -> None:
        self._turns = deque(turns)
        self._manners = manners
        self._began = now
        self._playing = b""
        self._digits = ""
        self._waits_until = now
        self._mine_ended = now
        self._agent_heard = now
        self._agent_began: int | None = None
        self._agent_spoke = False

    def step(self, now: int, agent_speaking: bool) -> Step:
        self._listen(now, agent_speaking)
        if not self._playing and not self._digits:
            self._begin_next(now)
        if self._digits:
            digit, self._digits = self._digits[0], self._digits[1:]
            return Step(SILENCE * FRAME_BYTES, digit)
        return Step(self._frame(now), hang_up=self._done(now))

    def _listen(self, now: int, agent_speaking: bool) -> None:
        if not agent_speaking:
            self._agent_began = None
            return
        self._agent_spoke = True
        self._agent_heard = now
        if self._agent_began is None:
            self._agent_began = now

    def _frame(self, now: int) -> bytes:
        if not self._playing:
            return SILENCE * FRAME_BYTES
        frame, self._playing = self._playing[:FRAME_BYTES], self._playing[FRAME_BYTES:]
        if not self._playing:
            self._mine_ended = now + FRAME_MS
            self._agent_spoke = False
        return frame.ljust(FRAME_BYTES, SILENCE)

    def _begin_next(self, now: int) -> None:
        if not self._turns or now < self._waits_until or not self._may_begin(now):
            return
        match self._turns.popleft():
            case Wait(ms=ms):
                self._waits_until = now + ms
            case Press(digits=digits):
                self._digits = digits
                self._mine_ended = now
                self._agent_spoke = False
            case Speak(audio=audio):
                self._playing = audio

    def _may_begin(self, now: int) -> bool:
        match self._turns[0]:
            case Wait():
                return True
            case Speak(over=True):
                began = self._agent_began
                return began is not None and now - began >= self._manners.interrupt_after
            case _:
                quiet = now - max(self._agent_heard, self._mine_ended)
                manners = self._manners
                return quiet >= (manners.answer_after if self._agent_spoke else manners.patience)

    def _done(self, now: int) -> bool:
        if now - self._began >= self._manners.longest:
            return True
        if self._turns or self._playing or self._digits or now < self._waits_until:
            return False
        return now - max(self._agent_heard, self._mine_ended) >= self._manners.hangup_after
