"""Is the caller interrupting the agent? A suspicion first, which costs nothing, then a verdict.

Decides from the edge's voice activity, its length and its words. What a suspicion and a verdict
do to playback is the business of `moves`.
"""

import enum
import re
from typing import Final

from callfunnel.domain.rulebook import BargeIn as Rules
from workers.media.core.policy import seconds

SETTLE_S: Final = 0.25
"""Silence after which a suspicion is taken as wrong: longer than the gap between two syllables."""

_WORDS = """
ah aha alright cool fine good gotcha great hm hmm huh mhm mm mmm oh ok okay really right sure uh
uhhuh um yeah yep yes yup i see
"""
BACKCHANNEL: Final = frozenset(_WORDS.split())
"""Words by which a listener says only: go on."""


class Judgement(enum.Enum):
    """What the suspicion has come to."""

    NONE = "none"
    SUSPECT = "suspect"
    STOP = "stop"
    RESUME = "resume"


class BargeIn:
    """One suspicion at a time, and how many there were in this turn of the agent."""

    def __init__(self, rules: Rules, edge_decides: bool) -> None:
        self._rules = rules
        self._edge_decides = edge_decides
        self._count = 0
        self.suspected = False
        self._forget()

    def _forget(self) -> None:
        self._voice_since: float | None = None
        self._silent_since: float | None = None
        self._voiced = 0.0
        self._suspect_at = 0.0
        self._decide_at = 0.0

    def new_turn(self) -> None:
        """The agent begins another turn: suspicions are counted anew."""
        self._count = 0
        self.drop()

    def drop(self) -> None:
        """There is nothing to suspect: the verdict was given, or the agent is silent."""
        self.suspected = False
        self._forget()

    def voice(self, began: float, level_db: float, agent_since: float) -> None:
        """The caller's voice was heard from `began` while the agent talks since `agent_since`."""
        if self._voice_since is not None:
            return
        if not self.suspected and level_db < self._rules.echo_margin_db:
            return
        rules = self._rules
        early = began < agent_since + seconds(rules.early_ms)
        self._voice_since = began
        self._silent_since = None
        if not self.suspected:
            self._suspect_at = began + seconds(rules.early_onset_ms if early else rules.onset_ms)

    def silence(self, at: float) -> None:
        """The caller's voice ended at `at`."""
        if self._voice_since is None:
            return
        self._voiced += max(at - self._voice_since, 0.0)
        self._voice_since = None
        self._silent_since = at
        if not self.suspected:
            self._forget()

    def judge(self, now: float) -> Judgement:
        """What follows at `now`. SUSPECT is returned once; the others until `drop`."""
        if not self.suspected:
            return self._suspect(now)
        if self._voice_since is not None:
            return Judgement.STOP if now >= self._stop_at() else Judgement.NONE
        return Judgement.RESUME if now >= self._resume_at() else Judgement.NONE

    def _suspect(self, now: float) -> Judgement:
        if self._voice_since is None or now < self._suspect_at:
            return Judgement.NONE
        self.suspected = True
        self._count += 1
        self._decide_at = now + seconds(self._rules.confirm_ms)
        return Judgement.SUSPECT

    def may_pause(self) -> bool:
        """Is the present suspicion one of those that may hold the agent in this turn?"""
        return self._count <= self._rules.max_suspicions

    def _stop_at(self) -> float:
        talked = (self._voice_since or 0.0) + seconds(self._rules.talk_ms) - self._voiced
        return min(talked, self._decide_at) if self._edge_decides else self._decide_at

    def _resume_at(self) -> float:
        return min((self._silent_since or 0.0) + SETTLE_S, self._decide_at)

    def deadline(self) -> float | None:
        """When `judge` will say something new."""
        if not self.suspected:
            return None if self._voice_since is None else self._suspect_at
        return self._stop_at() if self._voice_since is not None else self._resume_at()


def is_backchannel(text: str) -> bool:
    """Nothing but words that say: go on. No words at all are a backchannel too."""
    words = re.findall(r"[a-z]+", text.lower().replace("-", ""))
    return all(word in BACKCHANNEL for word in words)
