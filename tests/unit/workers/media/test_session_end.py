"""A call that is over leaves nothing behind for the garbage collector to find."""

import asyncio
import gc
import weakref

from bench import frames
from tests.simulators import virtual_time
from workers.media.session import Session


async def talked_and_hung_up() -> "weakref.ref[Session]":
    call, _ = frames.session(frames.NoSocket())
    call.begin()
    call.on_frame(False, frames.start())
    await asyncio.sleep(0.1)
    for number in range(50):
        call.on_frame(False, frames.media(b"\xff" * 160, number))
        await asyncio.sleep(0.02)
    call.on_closed()
    await call.done
    return weakref.ref(call)


def test_a_call_that_is_over_is_freed_without_a_collection() -> None:
    async def scenario() -> None:
        gc.disable()
        try:
            gone = await talked_and_hung_up()
            await asyncio.sleep(1)
            assert gone() is None
        finally:
            gc.enable()

    virtual_time.run(scenario())


def test_what_comes_after_the_end_is_nobodys() -> None:
    async def scenario() -> None:
        call, models = frames.session(frames.NoSocket())
        call.begin()
        call.on_frame(False, frames.start())
        await asyncio.sleep(0.1)
        call.on_closed()
        await call.done
        models[0].sink.on_model_audio("r", "i", b"\xff" * 800)
        call.on_closed()
        call.drain()

    virtual_time.run(scenario())
