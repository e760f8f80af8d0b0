"""The model's session, seen from the call: being opened, ready, or lost for good."""

from msgspec import Struct


class Opening(Struct, frozen=True):
    """Being opened since then."""

    since: float


class Ready(Struct, frozen=True):
    """It hears and speaks."""

    provider: str
    model: str


class Lost(Struct, frozen=True):
    """It refused, stalled, broke or was closed. `provider` is "" if it never was ready."""

    provider: str
    reason: str


Session = Opening | Ready | Lost


def opened(session: Session, provider: str, model: str) -> Session:
    """The model says it is ready: true only of a session that is being opened."""
    return Ready(provider, model) if isinstance(session, Opening) else session


def lost(session: Session, reason: str) -> Session:
    """The session is gone; the first reason stays."""
    match session:
        case Opening():
            return Lost("", reason)
        case Ready(provider, _):
            return Lost(provider, reason)
        case Lost():
            return session
