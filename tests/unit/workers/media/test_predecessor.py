"""A worker that died is spoken for by its successor, also where there is no room for it yet."""

import asyncio
import dataclasses
from typing import Any

import msgspec
import pytest

from callfunnel.domain.call import CallSpec, Cause
from callfunnel.domain.errors import Temporary
from callfunnel.infra.clock import utc_now
from callfunnel.infra.spans import OFF
from callfunnel.infra.spool import UnfinishedCall
from tests.simulators import virtual_time
from tests.simulators.room import CALL, WORKER, Told, spec
from workers.media.predecessor import end_calls_of_predecessor
from workers.media.report import Journal

EPOCH = 7


class FoundSpool(Told):
    """A spool with one unfinished call; it refuses everything while `full`."""

    def __init__(self, document: bytes) -> None:
        super().__init__()
        self.full = False
        self.left = UnfinishedCall(CALL, document, last_seq=9, segments=4, usage_records=2)

    def unfinished_calls(self) -> tuple[UnfinishedCall, ...]:
        return (self.left,)

    def emit(self, *message: Any, **more: Any) -> None:
        if self.full:
            raise Temporary("the spool is full")
        super().emit(*message, **more)


class Pins:
    """Notes whose pin was ended."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, int]] = []

    async def conclude(self, spec: CallSpec, epoch: int, cause: Cause, dial: str) -> bool:
        self.ended.append((spec.call, epoch))
        return True


def journal() -> bytes:
    return msgspec.json.encode(Journal(spec=spec(), worker=WORKER, epoch=EPOCH, began=utc_now()))


async def end_calls(spool: Any, pins: Any) -> None:
    await end_calls_of_predecessor(spool, pins, OFF)


def test_the_end_goes_on_where_the_predecessor_was_cut_off() -> None:
    spool, pins = FoundSpool(journal()), Pins()
    virtual_time.run(end_calls(spool, pins))
    assert pins.ended == [(CALL, EPOCH)]
    assert (spool.end.cause, spool.end.last_seq, spool.end.segments) == (Cause.WORKER_LOST, 9, 4)
    assert spool.end.usage_records == 2 + len(spool.usage())
    assert spool.journal == ["closed"]


def test_an_end_that_the_spool_refuses_is_told_once_there_is_room() -> None:
    async def scenario() -> FoundSpool:
        spool = FoundSpool(journal())
        spool.full = True
        ending = asyncio.create_task(end_calls(spool, Pins()))
        await asyncio.sleep(60)
        assert not ending.done(), "nobody else tells it: the pin is over"
        spool.full = False
        await ending
        return spool

    spool = virtual_time.run(scenario())
    assert spool.end.usage_records == 2 + len(spool.usage())
    assert spool.journal == ["closed"]


def test_lengths_that_the_predecessor_has_told_are_not_expected_twice() -> None:
    spool = FoundSpool(journal())
    spool.left = dataclasses.replace(spool.left, totals=1)
    virtual_time.run(end_calls(spool, Pins()))
    assert spool.usage() == {}
    assert spool.end.usage_records == 2


@pytest.mark.parametrize("document", [b"", b"[" * 5000, b'{"spec": 1}'])
def test_a_journal_that_nobody_can_read_is_closed(document: bytes) -> None:
    spool = FoundSpool(document)
    virtual_time.run(end_calls(spool, Pins()))
    assert spool.events == []
    assert spool.journal == ["closed"]
