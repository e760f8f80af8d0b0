"""Batches stand aside while a request is young, and never for longer than they work."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from callfunnel.infra import turns
from callfunnel.infra.turns import Precedence, Turnstile, in_turns
from tests.simulators import virtual_time


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of precedence, to be moved by hand."""
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    return clock


async def settled(what: Callable[[], bool]) -> None:
    """Gives the loop turns until it is so."""
    for _ in range(1000):
        if what():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never became so")


async def test_without_a_request_nobody_waits(now: list[float]) -> None:
    await Precedence().stand_aside()
    assert now == [100.0]


async def test_a_batch_goes_on_as_soon_as_the_last_request_is_answered(now: list[float]) -> None:
    precedence = Precedence()
    with precedence.request():
        with precedence.request():
            batch = asyncio.create_task(precedence.stand_aside())
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not batch.done()
    await settled(batch.done)


async def test_a_request_that_is_no_longer_young_holds_up_nobody(now: list[float]) -> None:
    precedence = Precedence()
    with precedence.request():
        now[0] += turns.YOUNG_S
        await precedence.stand_aside()


async def test_a_batch_waits_for_a_young_request_no_longer_than_it_is_young() -> None:
    precedence = Precedence()
    with precedence.request():
        began = time.monotonic()
        await precedence.stand_aside()
        assert time.monotonic() - began >= turns.YOUNG_S * 0.9


async def test_who_stood_aside_works_as_long_before_it_does_so_again(now: list[float]) -> None:
    precedence = Precedence()
    with precedence.request():
        batch = asyncio.create_task(precedence.stand_aside())
        await asyncio.sleep(0)
        now[0] += 0.03
    await settled(batch.done)

    with precedence.request():
        await precedence.stand_aside()
        now[0] += 0.031
        again = asyncio.create_task(precedence.stand_aside())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not again.done()
    await settled(again.done)


async def test_items_come_in_order_and_others_have_turns_between_them() -> None:
    others: list[int] = []

    async def other() -> None:
        while True:
            others.append(len(seen))
            await asyncio.sleep(0)

    seen: list[int] = []
    beside = asyncio.create_task(other())
    async for item in in_turns(range(5), turn_s=0.0):
        seen.append(item)
    beside.cancel()
    assert seen == [0, 1, 2, 3, 4]
    assert others[:4] == [1, 2, 3, 4]


def test_of_many_that_come_at_once_a_few_pass_in_each_turn_in_their_order() -> None:
    passed: list[int] = []
    in_turn: Counter[int] = Counter()

    async def come(turnstile: Turnstile, number: int) -> None:
        await turnstile.enter()
        passed.append(number)
        in_turn[virtual_time.turn()] += 1

    async def scenario() -> None:
        turnstile = Turnstile(at_once=3)
        await asyncio.gather(*(come(turnstile, number) for number in range(50)))

    virtual_time.run(scenario())
    assert passed == list(range(50))
    assert max(in_turn.values()) == 3


def test_who_comes_alone_does_not_wait() -> None:
    async def scenario() -> None:
        turnstile, began = Turnstile(), virtual_time.turn()
        for _ in range(3):
            came = virtual_time.turn()
            await turnstile.enter()
            assert virtual_time.turn() == came
            await asyncio.sleep(1)
        assert virtual_time.turn() > began

    virtual_time.run(scenario())


def fail() -> None:
    raise LookupError


def test_who_fails_or_goes_away_keeps_nobody_waiting() -> None:
    passed: list[int] = []
    failed: list[object] = []

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, about: failed.append(about["exception"]))
        turnstile = Turnstile(at_once=1)
        turnstile.soon(partial(passed.append, 0))
        turnstile.soon(fail)
        gone = asyncio.create_task(turnstile.enter())
        await asyncio.sleep(0)
        gone.cancel()
        for number in range(1, 5):
            turnstile.soon(partial(passed.append, number))
        await asyncio.sleep(1)

    virtual_time.run(scenario())
    assert passed == [0, 1, 2, 3, 4]
    assert [type(error) for error in failed] == [LookupError]
