"""The features of this deployable and how each is wired: tools and approvals know each other here.

A tool call above its limit opens an approval, and an approved one runs the tool: both are handed
in, so that neither feature imports the other. Features load their drivers when they start.
"""

from collections.abc import Callable
from typing import Final

from callfunnel.domain.ids import tenant_id
from callfunnel.infra.context import Context
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.service import Feature
from workers.conductor.reaper.handlers import ReaperFeature

ROLE: Final = "conductor"


class Rulebooks:
    """Validates, keeps and publishes rule books; watches their files where there are any."""

    name = "rulebooks"

    def __init__(self, context: Context) -> None:
        self._context = context

    async def start(self) -> None:
        from workers.conductor.rulebooks import files, handlers
        from workers.conductor.tools.kinds import KINDS

        bus, pool = await self._context.bus(ROLE), await self._context.pool(ROLE)
        settings = self._context.settings
        kinds = {name: kind.settings for name, kind in KINDS.items()}
        rulebooks = handlers.Rulebooks(bus, pool, kinds, settings.rulebook_file)
        rulebooks.register()
        await rulebooks.show_all()
        if settings.rulebook_dir is not None:
            owner = tenant_id(settings.rulebook_tenant)
            await self._context.run(files.Watch(settings.rulebook_dir, owner, rulebooks))


class Tools:
    """Runs tools for calls, and asks for approval where the rule book says so."""

    name = "tools"

    def __init__(self, context: Context) -> None:
        self._context = context

    async def start(self) -> None:
        from workers.conductor.approvals import handlers as approvals
        from workers.conductor.rulebooks.store import Library
        from workers.conductor.tools import handlers as tools

        bus, pool = await self._context.bus(ROLE), await self._context.pool(ROLE)
        outbox = Outbox("approvals", pool, bus)
        effects = tools.Effects(Library())
        deciding = approvals.Approvals(bus, pool, outbox, effects.granted)
        deciding.register()
        tools.Tools(bus, pool, effects, deciding).register()
        await self._context.run(outbox, deciding.deadlines)


FEATURES: Final[dict[str, Callable[[Context], Feature]]] = {
    Rulebooks.name: Rulebooks,
    Tools.name: Tools,
    ReaperFeature.name: ReaperFeature,
}
