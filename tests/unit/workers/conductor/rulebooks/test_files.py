"""The watch over rule book files, over a publisher that misbehaves."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from callfunnel.domain.ids import TenantId
from callfunnel.events.requests import RulebookStored
from workers.conductor.rulebooks.files import Watch


class Swallowing:
    """Publishes for ever, and loses the cancellation that should end it, as libraries do."""

    def __init__(self) -> None:
        self.asked = 0
        self.waits = asyncio.Event()

    async def publish(self, *_: Any) -> RulebookStored:
        self.asked += 1
        if self.asked > 1:
            self.waits.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        return RulebookStored(ok=True, version=self.asked)


async def test_a_cancellation_that_was_swallowed_still_ends_the_watch(tmp_path: Path) -> None:
    book = tmp_path / "a.yaml"
    book.write_text("agent: a")
    publisher = Swallowing()
    watch = Watch(tmp_path, TenantId("t"), publisher)  # type: ignore[arg-type] - a twin
    await watch.start()
    book.write_text("agent: a # edited")
    await asyncio.wait_for(publisher.waits.wait(), 10)
    await asyncio.wait_for(watch.stop(), 10)
    assert publisher.asked == 2
