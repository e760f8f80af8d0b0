"""What the gateway remembers: fresh for seconds, older only while its source is away, bounded."""

import asyncio

import pytest

from callfunnel.domain.errors import Temporary
from gateway.remembered import Remembered
from tests.simulators.virtual_time import run


class Source:
    """Counts how often it is asked; may be away, or answer nothing at all."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = self.hangs = False

    async def __call__(self, key: str) -> str:
        self.asked += 1
        if self.hangs:
            await asyncio.sleep(3600)
        if self.away:
            raise Temporary("away")
        return f"{key} {self.asked}"


def remembered(source: Source, stale_s: float = 600) -> Remembered[str, str]:
    clock = asyncio.get_running_loop().time
    return Remembered(source, seconds=3, most=2, now=clock, stale_s=stale_s)


def test_an_answer_is_asked_for_again_once_it_is_old() -> None:
    async def scenario() -> list[str]:
        memory = remembered(Source())
        answers = [await memory.get("a"), await memory.get("a")]
        await asyncio.sleep(4)
        return [*answers, await memory.get("a")]

    assert run(scenario()) == ["a 1", "a 1", "a 2"]


def test_while_the_source_is_away_an_older_answer_counts_and_it_is_seldom_asked() -> None:
    async def scenario() -> tuple[str, int]:
        source = Source()
        memory = remembered(source)
        await memory.get("a")
        await asyncio.sleep(60)
        source.away = True
        for _ in range(50):
            answer = await memory.get("a")
        return answer, source.asked

    assert run(scenario()) == ("a 1", 2)


def test_a_source_that_hangs_costs_a_second_at_most() -> None:
    async def scenario() -> float:
        source, clock = Source(), asyncio.get_running_loop().time
        memory = remembered(source)
        await memory.get("a")
        await asyncio.sleep(60)
        source.hangs, began = True, clock()
        await memory.get("a")
        return clock() - began

    assert run(scenario()) <= 1


def test_an_answer_from_too_long_ago_and_one_never_given_are_none() -> None:
    async def scenario() -> None:
        source = Source()
        memory = remembered(source)
        await memory.get("a")
        source.away = True
        await asyncio.sleep(604)
        for key in ("a", "b"):
            with pytest.raises(Temporary):
                await memory.get(key)

    run(scenario())


def test_the_least_used_is_forgotten_first() -> None:
    async def scenario() -> int:
        source = Source()
        memory = remembered(source)
        for key in ("a", "b", "c", "a"):
            await memory.get(key)
        return source.asked

    assert run(scenario()) == 4


def test_whoever_guesses_makes_nobody_forget_what_is_known() -> None:
    async def scenario() -> str | None:
        away = False

        async def ask(key: str) -> str | None:
            if away:
                raise Temporary("away")
            return "somebody's" if key == "known" else None

        clock = asyncio.get_running_loop().time
        memory = Remembered(ask, seconds=3, most=2, now=clock, stale_s=600)
        await memory.get("known")
        for n in range(10):
            assert await memory.get(f"guess {n}") is None
        await asyncio.sleep(60)
        away = True
        return await memory.get("known")

    assert run(scenario()) == "somebody's"


def test_what_is_somebodys_no_longer_is_forgotten() -> None:
    async def scenario() -> list[str | None]:
        answers: list[str | None] = ["a", None, "b"]

        async def ask(_: str) -> str | None:
            return answers.pop(0)

        memory = Remembered(ask, seconds=3, most=2, now=asyncio.get_running_loop().time)
        found = []
        for _ in range(3):
            found += [await memory.get("key"), await memory.get("key")]
            await asyncio.sleep(4)
        return found

    assert run(scenario()) == ["a", "a", None, None, "b", "b"]


def test_what_one_asks_for_is_never_what_another_is_told() -> None:
    """Also while the source is away, and once the memory is full."""

    async def scenario() -> list[tuple[str, str]]:
        source, told = Source(), []
        memory = remembered(source)
        for source.away in (False, True):
            for key in ("+15550100001", "+15550100002"):
                told.append((key, await memory.get(key)))
            await asyncio.sleep(60)
        source.away = False
        for key in ("+15550100003", "+15550100001", "+15550100002"):
            told.append((key, await memory.get(key)))
        return told

    assert [(key, answer.split()[0]) for key, answer in run(scenario())] == [
        (key, key) for key, _ in run(scenario())
    ]


def test_those_who_want_the_same_at_once_ask_once() -> None:
    async def scenario() -> tuple[list[str], int]:
        source = Source()

        async def slowly(key: str) -> str:
            await asyncio.sleep(1)
            return await source(key)

        memory = Remembered(slowly, seconds=3, most=2, now=asyncio.get_running_loop().time)
        first = asyncio.ensure_future(memory.get("a"))
        others = asyncio.gather(*(memory.get("a") for _ in range(9)))
        await asyncio.sleep(0.5)
        first.cancel()
        return await others, source.asked

    assert run(scenario()) == (["a 1"] * 9, 1)


def test_those_who_asked_at_once_fail_together_and_the_next_one_asks_again() -> None:
    async def scenario() -> tuple[list[bool], str]:
        source = Source()
        source.away = True
        memory = remembered(source)
        failed = await asyncio.gather(*(memory.get("a") for _ in range(3)), return_exceptions=True)
        source.away = False
        return [isinstance(each, Temporary) for each in failed], await memory.get("a")

    assert run(scenario()) == ([True] * 3, "a 2")
