"""The recognisers beside a worker: a dead one costs no turn, two calls at once need not wait."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from callfunnel.infra.speech import speak_once
from workers.media.models.demo.ears import Ears
from workers.media.models.demo.listener import Corpus

YES_NO = Corpus(
    "yes-no", ("yes please", "yes", "no thanks", "no"), ("no", "please", "thanks", "yes")
)
PAUSE = b"\xff" * 2000


@pytest.fixture(scope="module")
def yes() -> bytes:
    return PAUSE + speak_once("Yes please.").ulaw + PAUSE


@pytest.fixture
async def ears() -> AsyncIterator[Ears]:
    pair = Ears()
    await pair.start()
    yield pair
    await pair.close()


def first_program(ears: Ears) -> int:
    process = ears._programs[0]._process
    assert process is not None
    return process.pid


async def test_what_is_said_is_heard_and_the_same_again_after_others(
    ears: Ears, yes: bytes
) -> None:
    heard = await ears.hear(YES_NO, yes)
    assert heard == "yes please"
    await ears.hear(YES_NO, yes[::-1])
    assert await ears.hear(YES_NO, yes) == heard


async def test_a_killed_recogniser_is_replaced_and_taught_again(ears: Ears, yes: bytes) -> None:
    await ears.learn(YES_NO)
    os.kill(first_program(ears), signal.SIGKILL)
    assert await ears.hear(YES_NO, yes) == "yes please"


async def test_two_calls_at_once_are_heard_side_by_side(ears: Ears, yes: bytes) -> None:
    heard = await asyncio.gather(*(ears.hear(YES_NO, yes) for _ in range(4)))
    assert heard == ["yes please"] * 4
    assert len(ears._programs) == 2


async def test_words_without_a_pronunciation_are_not_heard_and_break_nothing(
    ears: Ears, yes: bytes
) -> None:
    assert await ears.hear(Corpus("odd", ("xyzzyq",), ("xyzzyq",)), yes) == ""
    assert await ears.hear(YES_NO, yes) == "yes please"


async def test_without_a_recogniser_nothing_is_heard(yes: bytes) -> None:
    deaf = Ears([sys.executable, "-c", "raise SystemExit(1)"])
    assert await deaf.hear(YES_NO, yes) == ""
    await deaf.close()
