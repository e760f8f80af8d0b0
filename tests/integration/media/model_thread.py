"""The fake model on a thread of its own, for worker processes that are started by fixtures."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from tests.simulators.openai_realtime import Script
from tests.simulators.openai_server import FakeModel, serve_model


@contextlib.contextmanager
def model_beside(script: Script) -> Iterator[FakeModel]:
    """Serves until the block ends."""
    loop = asyncio.new_event_loop()
    started: list[FakeModel] = []
    running = threading.Event()

    async def serve() -> None:
        async with serve_model(script) as model:
            started.append(model)
            running.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    task = loop.create_task(serve())
    thread = threading.Thread(target=loop.run_until_complete, args=(task,), daemon=True)
    thread.start()
    assert running.wait(5)
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(5)
        loop.close()
