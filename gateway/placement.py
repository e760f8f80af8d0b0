"""Which worker takes a call, and which of the tenant's slots: pure, facts in and choice out."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from callfunnel.domain.call import SlotHolder, WorkerRecord
from callfunnel.domain.ids import WorkerId


class HeldSlot(NamedTuple):
    """A slot key as the mirror shows it; `revision` is what a take-over must compare with."""

    holder: SlotHolder
    revision: int


class LiveWorker(NamedTuple):
    """A worker whose lease is alive; `epoch` tells one life of it from the next."""

    record: WorkerRecord
    epoch: int


class SlotChoice(NamedTuple):
    """The slot to try: create it (`revision` 0), or take over the one left by a dead holder."""

    n: int
    revision: int


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


def slot_choices(
    limit: int, held: Mapping[int, HeldSlot], live: Mapping[WorkerId, LiveWorker]
) -> list[SlotChoice]:
    """The tenant's slots worth a try, best first: free ones, then those of dead holders."""
    free = [SlotChoice(n, 0) for n in range(limit) if n not in held]
    left = [
        SlotChoice(n, slot.revision)
        for n, slot in sorted(held.items())
        if n < limit and not _is_alive(slot.holder, live)
    ]
    return free + left


def _is_alive(holder: SlotHolder, live: Mapping[WorkerId, LiveWorker]) -> bool:
    worker = live.get(holder.worker)
    return worker is not None and worker.epoch == holder.epoch
