"""The ends a worker tells, as facts. The reporter fills in what was accepted before them."""

from callfunnel.domain.call import Cause, EndedBy
from callfunnel.events.call import CallEnded
from workers.media.core.outputs import End


def as_decided(end: End) -> CallEnded:
    """The end the core decided."""
    return _ended(end.cause, end.by, end.duration_ms, answered=end.answered, note=end.note)


def never_connected() -> CallEnded:
    """The end of a call that was pinned and whose socket never came."""
    note = "the carrier never connected"
    return _ended(Cause.MEDIA_LOST, EndedBy.PLATFORM, 0, answered=False, note=note)


def worker_lost(duration_ms: int) -> CallEnded:
    """The end of a call whose worker died; its length is what was recorded."""
    answered = duration_ms > 0
    return _ended(Cause.WORKER_LOST, EndedBy.PLATFORM, duration_ms, answered=answered)


def _ended(
    cause: Cause, by: EndedBy, duration_ms: int, *, answered: bool, note: str = ""
) -> CallEnded:
    return CallEnded(
        cause=cause,
        by=by,
        duration_ms=duration_ms,
        last_seq=0,
        segments=0,
        usage_records=0,
        answered=answered,
        note=note,
    )
