"""Who holds the floor. Every state holds just what is true in it; every transition is a case here.

Pending tools, the model's session and the recording are beside the floor, not in it.
"""

from typing import assert_never

from msgspec import Struct

from callfunnel.domain.call import Cause


class Listening(Struct, frozen=True):
    """Nobody speaks and the agent owes nothing."""


class CallerTalking(Struct, frozen=True):
    """The caller has the floor."""

    since: float


class Thinking(Struct, frozen=True):
    """The caller's turn is over, or a tool works: the agent owes something."""

    turn: int


class AgentTalking(Struct, frozen=True):
    """The agent's audio plays, or waits behind a slow model."""

    turn: int
    generation: int
    since: float


class AgentPaused(Struct, frozen=True):
    """The agent may be interrupted: nothing is fed until the verdict. `since`: of the pause."""

    turn: int
    generation: int
    began: float
    since: float


class Closing(Struct, frozen=True):
    """The end was decided; only last words may still be heard."""

    cause: Cause


class Closed(Struct, frozen=True):
    """The call is over."""

    cause: Cause


Floor = Listening | CallerTalking | Thinking | AgentTalking | AgentPaused | Closing | Closed


def caller_takes(floor: Floor, now: float) -> Floor:
    """The caller begins to speak (the agent, if it spoke, was stopped before)."""
    match floor:
        case Listening() | Thinking() | AgentTalking() | AgentPaused():
            return CallerTalking(now)
        case CallerTalking() | Closing() | Closed():
            return floor
        case _:
            assert_never(floor)


def caller_yields(floor: Floor) -> Floor:
    """The caller is silent, and nobody took what was heard for a turn."""
    match floor:
        case CallerTalking():
            return Listening()
        case Listening() | Thinking() | AgentTalking() | AgentPaused() | Closing() | Closed():
            return floor
        case _:
            assert_never(floor)


def agent_owes(floor: Floor, turn: int) -> Floor:
    """A turn was taken as over, or a tool works: the agent is to answer."""
    match floor:
        case Listening() | CallerTalking() | Thinking():
            return Thinking(turn)
        case AgentTalking() | AgentPaused() | Closing() | Closed():
            return floor
        case _:
            assert_never(floor)


def agent_speaks(floor: Floor, turn: int, generation: int, now: float) -> Floor:
    """Audio of the agent is on its way to the caller."""
    match floor:
        case Listening() | CallerTalking() | Thinking():
            return AgentTalking(turn, generation, now)
        case AgentTalking() if floor.turn != turn:
            return AgentTalking(turn, generation, floor.since)
        case AgentTalking() | AgentPaused() | Closing() | Closed():
            return floor
        case _:
            assert_never(floor)


def agent_pauses(floor: Floor, now: float) -> Floor:
    """A suspicion holds the agent."""
    match floor:
        case AgentTalking(turn, generation, since):
            return AgentPaused(turn, generation, since, now)
        case Listening() | CallerTalking() | Thinking() | AgentPaused() | Closing() | Closed():
            return floor
        case _:
            assert_never(floor)


def agent_resumes(floor: Floor) -> Floor:
    """The suspicion was wrong."""
    match floor:
        case AgentPaused(turn, generation, began, _):
            return AgentTalking(turn, generation, began)
        case Listening() | CallerTalking() | Thinking() | AgentTalking() | Closing() | Closed():
            return floor
        case _:
            assert_never(floor)


def agent_falls_silent(floor: Floor) -> Floor:
    """All the agent had to say was heard."""
    match floor:
        case AgentTalking() | AgentPaused():
            return Listening()
        case Listening() | CallerTalking() | Thinking() | Closing() | Closed():
            return floor
        case _:
            assert_never(floor)


def agent_rests(floor: Floor, turn: int, owes: bool) -> Floor:
    """Nobody speaks: the agent owes something (`owes`), or nothing and anyone may speak."""
    match floor:
        case Thinking() | Listening():
            return Thinking(turn) if owes else Listening()
        case AgentTalking() | AgentPaused() | CallerTalking() | Closing() | Closed():
            return floor
        case _:
            assert_never(floor)


def closes(floor: Floor, cause: Cause) -> Floor:
    """The end was decided. The first cause wins."""
    match floor:
        case Listening() | CallerTalking() | Thinking() | AgentTalking() | AgentPaused():
            return Closing(cause)
        case Closing() | Closed():
            return floor
        case _:
            assert_never(floor)


def is_over(floor: Floor) -> bool:
    """The end was decided or has come."""
    return isinstance(floor, Closing | Closed)
