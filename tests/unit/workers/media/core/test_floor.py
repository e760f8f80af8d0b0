"""Who holds the floor: every state against every transition."""

from collections.abc import Callable

import pytest

from callfunnel.domain.call import Cause
from workers.media.core.floor import (
    AgentPaused,
    AgentTalking,
    CallerTalking,
    Closed,
    Closing,
    Floor,
    Listening,
    Thinking,
    agent_falls_silent,
    agent_owes,
    agent_pauses,
    agent_rests,
    agent_resumes,
    agent_speaks,
    caller_takes,
    caller_yields,
    closes,
)

TALKING = AgentTalking(1, 0, 2.0)
PAUSED = AgentPaused(1, 0, 2.0, 3.0)
STATES: tuple[Floor, ...] = (
    Listening(),
    CallerTalking(1.0),
    Thinking(1),
    TALKING,
    PAUSED,
    Closing(Cause.SILENCE),
    Closed(Cause.SILENCE),
)
MOVES: dict[str, Callable[[Floor], Floor]] = {
    "caller takes": lambda floor: caller_takes(floor, 3.0),
    "caller yields": caller_yields,
    "agent owes": lambda floor: agent_owes(floor, 1),
    "agent speaks": lambda floor: agent_speaks(floor, 1, 0, 2.0),
    "agent pauses": lambda floor: agent_pauses(floor, 3.0),
    "agent resumes": agent_resumes,
    "agent falls silent": agent_falls_silent,
    "agent rests": lambda floor: agent_rests(floor, 1, owes=False),
    "closes": lambda floor: closes(floor, Cause.DRAINED),
}
LEADS_TO: dict[str, tuple[Floor | None, ...]] = {
    "caller takes": (*[CallerTalking(3.0)], None, *[CallerTalking(3.0)] * 3, None, None),
    "caller yields": (None, Listening(), None, None, None, None, None),
    "agent owes": (Thinking(1), Thinking(1), None, None, None, None, None),
    "agent speaks": (TALKING, TALKING, TALKING, None, None, None, None),
    "agent pauses": (None, None, None, PAUSED, None, None, None),
    "agent resumes": (None, None, None, None, TALKING, None, None),
    "agent falls silent": (None, None, None, Listening(), Listening(), None, None),
    "agent rests": (None, None, Listening(), None, None, None, None),
    "closes": (*[Closing(Cause.DRAINED)] * 5, None, None),
}


@pytest.mark.parametrize("move", MOVES)
def test_every_move_from_every_state(move: str) -> None:
    """None: the move changes nothing there."""
    for before, after in zip(STATES, LEADS_TO[move], strict=True):
        assert MOVES[move](before) == (before if after is None else after)
