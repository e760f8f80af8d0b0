"""The features of this deployable and how each is wired: metering is handed the prices."""

from collections.abc import Callable
from typing import Final

from callfunnel.infra.context import Context
from callfunnel.infra.deadlines import Deadlines
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.service import Feature

ROLE: Final = "billing"


class Metering:
    """Usage, its sums, and the bill of each call."""

    name = "metering"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._running: list[Outbox | Deadlines] = []

    async def start(self) -> None:
        from workers.billing.metering import handlers
        from workers.billing.prices.files import read_prices

        bus, pool = await self._context.bus(ROLE), await self._context.pool(ROLE)
        outbox = Outbox(self.name, pool, bus)
        metering = handlers.Metering(bus, pool, outbox, read_prices().rate)
        metering.register()
        for part in (outbox, metering.deadlines):
            await part.start()
            self._running.append(part)

    async def stop(self) -> None:
        for part in reversed(self._running):
            await part.stop()


FEATURES: Final[dict[str, Callable[[Context], Feature]]] = {Metering.name: Metering}
