"""Rule books are read one at a time, and no more than a few wait for it."""

import asyncio
import threading
from typing import Any

import pytest

from callfunnel.domain.errors import Temporary
from workers.conductor.rulebooks import handlers
from workers.conductor.rulebooks.handlers import Rulebooks


class NoBus:
    def kv(self, _bucket: str) -> None:
        """Nothing is published here."""


async def test_one_is_read_at_a_time_and_a_flood_is_told_to_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate, at_once, most = threading.Event(), 0, 0

    def slow(*_: Any) -> tuple[None, list[Any]]:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        gate.wait(10)
        at_once -= 1
        return None, []

    monkeypatch.setattr(handlers, "_validated", slow)
    books = Rulebooks(NoBus(), None, {})  # type: ignore[arg-type]  # neither is reached
    waiting = [asyncio.create_task(books._read("a", "x")) for _ in range(handlers._MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Temporary, match="too many"):
        await books._read("a", "x")
    gate.set()
    await asyncio.gather(*waiting)
    assert most == 1
    assert await books._read("a", "x") == (None, [])
