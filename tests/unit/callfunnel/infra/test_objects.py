"""An object store that hangs: its callers are told in time, and nobody else waits for a thread."""

import asyncio
import threading

import pytest

from callfunnel.domain.errors import Temporary
from callfunnel.infra import objects
from callfunnel.infra.objects import ObjectAccess, Objects

CALLERS = 40


async def test_forty_callers_of_a_store_that_hangs_hold_up_no_other_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(objects, "_DEADLINE_S", 0.3)
    hangs = threading.Event()
    store = Objects(ObjectAccess("http://127.0.0.1:1", "b", "k", "s"))
    asking = [asyncio.create_task(store._run(hangs.wait)) for _ in range(CALLERS)]
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(5):
            assert await asyncio.to_thread(lambda: "a key of the issuer") == "a key of the issuer"
            answers = await asyncio.gather(*asking, return_exceptions=True)
        assert [type(each) for each in answers] == [Temporary] * CALLERS
    finally:
        hangs.set()
