"""Which worker and which slot: room, and a fair draw."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from callfunnel.domain.call import WorkerRecord
from callfunnel.domain.ids import WorkerId
from gateway.placement import LiveWorker, free_slots, headroom, pick_worker


def worker(name: str, *, slots: int = 10, used: int = 0, draining: bool = False) -> LiveWorker:
    record = WorkerRecord(
        worker=WorkerId(name),
        url="ws://127.0.0.1:1",
        slots=slots,
        used=used,
        draining=draining,
        model="demo",
        at="",
    )
    return LiveWorker(record, epoch=5)


def test_a_worker_that_drains_or_is_full_is_never_picked() -> None:
    workers = [worker("a", draining=True), worker("b", used=10), worker("c", used=9)]
    picked = pick_worker(workers, [], 0.99)
    assert picked is not None
    assert picked.record.worker == "c"
    assert pick_worker(workers, [WorkerId("c")], 0.0) is None


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12), st.booleans()), max_size=8))
def test_the_draw_is_shared_out_by_headroom(rows: list[tuple[int, int, bool]]) -> None:
    workers = [
        worker(f"w{n}", slots=slots, used=used, draining=draining)
        for n, (slots, used, draining) in enumerate(rows)
    ]
    room = {each.record.worker: headroom(each.record) for each in workers}
    total = sum(room.values())
    picked = (pick_worker(workers, [], (n + 0.5) / total) for n in range(total))
    drawn = Counter(each.record.worker for each in picked if each is not None)
    assert drawn == {name: share for name, share in room.items() if share}


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12), st.booleans()), max_size=8),
    st.floats(0, 1, exclude_max=True),
)
def test_whoever_is_picked_has_room(rows: list[tuple[int, int, bool]], draw: float) -> None:
    workers = [
        worker(f"w{n}", slots=slots, used=used, draining=draining)
        for n, (slots, used, draining) in enumerate(rows)
    ]
    picked = pick_worker(workers, [], draw)
    possible = [
        each
        for each in workers
        if not each.record.draining and each.record.used < each.record.slots
    ]
    assert (picked in possible) if possible else (picked is None)


def test_a_slot_is_free_only_when_nobody_holds_it() -> None:
    assert list(free_slots(5, {0, 1, 3})) == [2, 4]


def test_a_lowered_limit_counts_at_once() -> None:
    assert list(free_slots(1, {0, 5})) == []


def test_whoever_draws_apart_begins_apart_and_is_shown_every_free_slot_once() -> None:
    assert list(free_slots(5, {0, 3}, 0.5)) == [2, 4, 1]
