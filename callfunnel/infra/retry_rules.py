"""When a failed message is tried again, and when no try will help. Pure."""

from typing import Final

from callfunnel.domain.errors import Permanent, Temporary

CAP_S: Final = 15.0
GIVE_UP_AFTER: Final = 60
"""Deliveries of a message that fails for no known reason: about 15 minutes, then DEAD."""
DEPENDENCY_DOWN_AFTER: Final = 3
"""Temporary failures in a row, alone, that mean: it is the dependency and not the message."""


def retry_delay(first_s: float, delivered: int, random: float) -> float:
    """Seconds until the next try: doubles from `first_s` with each delivery, capped, +0 to 25 %.

    `delivered` counts from 1; `random` is in [0, 1) and keeps a crowd from returning at once.
    """
    base = min(CAP_S, max(0.01, first_s) * 2.0 ** min(delivered - 1, 30))
    return base * (1.0 + random / 4)


def is_hopeless(error: BaseException, delivered: int) -> bool:
    """Whether the message belongs in DEAD: Permanent, or unexplained once too often."""
    if isinstance(error, Temporary):
        return False
    return isinstance(error, Permanent) or delivered >= GIVE_UP_AFTER


def first_delay(error: BaseException) -> float:
    """What the failure asks for as its first wait, seconds."""
    return error.delay if isinstance(error, Temporary) else 1.0


def reason_of(error: BaseException) -> str:
    """What DEAD says; of an unexplained failure only its type, for its text may quote a caller."""
    if isinstance(error, Permanent | Temporary):
        return error.reason
    return f"failed {GIVE_UP_AFTER} times, last with {type(error).__name__}"
