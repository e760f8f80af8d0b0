"""The features of this deployable and how each is wired: tools and approvals know each other here.

A tool call above its limit opens an approval, and an approved one runs the tool: both are handed
in, so that neither feature imports the other.
"""

from collections.abc import Callable
from typing import Final

from callfunnel.infra.context import Context
from callfunnel.infra.deadlines import Deadlines
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.service import Feature
from workers.conductor.reaper.handlers import ReaperFeature

ROLE: Final = "conductor"


class Rulebooks:
    """Validates, keeps and publishes rule books; watches their files where there are any."""

    name = "rulebooks"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._stop: Callable[[], object] | None = None

    async def start(self) -> None:
        from workers.conductor.rulebooks import files, handlers

        bus, pool = await self._context.bus(ROLE), await self._context.pool(ROLE)
        folder = self._context.settings.rulebook_dir
        publisher = handlers.Rulebooks(bus, pool, folder)
        publisher.register()
        self._watch = files.Watch(folder, publisher) if folder else None
        if self._watch is not None:
            await self._watch.start()

    async def stop(self) -> None:
        if self._watch is not None:
            await self._watch.stop()


class Tools:
    """Runs tools for calls, and asks for approval where the rule book says so."""

    name = "tools"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._running: list[Outbox | Deadlines] = []

    async def start(self) -> None:
        from workers.conductor.approvals import handlers as approvals
        from workers.conductor.rulebooks.store import Library
        from workers.conductor.tools import handlers as tools

        bus, pool = await self._context.bus(ROLE), await self._context.pool(ROLE)
        outbox = Outbox("approvals", pool, bus)
        effects = tools.Effects(Library(pool))
        deciding = approvals.Approvals(bus, pool, outbox, effects.run)
        deciding.register()
        tools.Tools(bus, pool, effects, deciding.open).register()
        for part in (outbox, deciding.deadlines):
            await part.start()
            self._running.append(part)

    async def stop(self) -> None:
        for part in reversed(self._running):
            await part.stop()


FEATURES: Final[dict[str, Callable[[Context], Feature]]] = {
    Rulebooks.name: Rulebooks,
    Tools.name: Tools,
    ReaperFeature.name: ReaperFeature,
}
