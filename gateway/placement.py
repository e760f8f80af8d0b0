"""Which worker takes a call, and which of the tenant's slots: pure, facts in and choice out."""

from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from callfunnel.domain.call import WorkerRecord
from callfunnel.domain.ids import WorkerId


class LiveWorker(NamedTuple):
    """A worker whose lease is alive; `epoch` tells one life of it from the next."""

    record: WorkerRecord
    epoch: int


def headroom(record: WorkerRecord) -> int:
    """How many more calls a worker says it can take; 0 while it drains."""
    return 0 if record.draining else max(0, record.slots - record.used)


def pick_worker(
    live: Iterable[LiveWorker], tried: Collection[WorkerId], draw: float
) -> LiveWorker | None:
    """A worker with room that was not tried yet, or None.

    `draw` in [0, 1) chooses in proportion to headroom: records are up to a renewal old, and
    always taking the emptiest would send every call of that interval, from every gateway, to the
    same worker.
    """
    open_to = sorted(
        (each for each in live if headroom(each.record) and each.record.worker not in tried),
        key=lambda each: each.record.worker,
    )
    mark = draw * sum(headroom(each.record) for each in open_to)
    for worker in open_to:
        mark -= headroom(worker.record)
        if mark < 0:
            return worker
    return open_to[-1] if open_to else None


def free_slots(limit: int, held: Collection[int], draw: float = 0.0) -> Iterator[int]:
    """The tenant's slots that nobody holds, each once, beginning where `draw` in [0, 1) points.

    One of a worker that seems gone counts as held: the call may go on, and its worker come back.
    Whoever ends the call frees the slot, and nobody before.
    """
    first = int(draw * limit)
    return (n for n in chain(range(first, limit), range(first)) if n not in held)
