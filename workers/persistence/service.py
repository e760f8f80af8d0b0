"""The features of this deployable and how each is wired. Alone: `python -m workers.persistence X`.

A feature loads its modules when it starts, so that a process pays only for what it hosts.
"""

from collections.abc import Callable
from typing import Final

from callfunnel.infra.context import Context
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.service import Feature

ROLE: Final = "persistence"


class _Hosted:
    """A feature of this deployable."""

    name = ""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def _outbox(self) -> Outbox:
        """The outbox of the schema that has the feature's name."""
        pool = await self._context.pool(ROLE)
        return Outbox(self.name, pool, await self._context.bus(ROLE), unhurried=True)


class Redaction(_Hosted):
    """From RAW to CALLS."""

    name = "redaction"

    async def start(self) -> None:
        from workers.persistence.redaction.handlers import register

        register(await self._context.bus(ROLE))


class Timeline(_Hosted):
    """Rows per call, and the news that a timeline is complete."""

    name = "timeline"

    async def start(self) -> None:
        from workers.persistence.timeline.handlers import register

        outbox = await self._outbox()
        register(await self._context.bus(ROLE), await self._context.pool(ROLE), outbox)
        await self._context.run(outbox)


class Recordings(_Hosted):
    """One object per call in S3."""

    name = "recordings"

    async def start(self) -> None:
        from workers.persistence.recordings.handlers import register
        from workers.persistence.recordings.recorder import Recorder

        context, outbox = self._context, await self._outbox()
        bus, pool = await context.bus(ROLE), await context.pool(ROLE)
        recorder = Recorder(bus, pool, await context.objects(ROLE), outbox)
        register(bus, pool, recorder.deadlines)
        await self._context.run(outbox, recorder.deadlines)


class Settlement(_Hosted):
    """The sealed record of each call."""

    name = "settlement"

    async def start(self) -> None:
        from workers.persistence.settlement import handlers

        outbox = await self._outbox()
        settlement = handlers.Settlement(
            await self._context.bus(ROLE), await self._context.pool(ROLE), outbox
        )
        settlement.register()
        await self._context.run(outbox, settlement.deadlines)


FEATURES: Final[dict[str, Callable[[Context], Feature]]] = {
    feature.name: feature for feature in (Redaction, Timeline, Recordings, Settlement)
}
