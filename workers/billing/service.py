"""The features of this deployable and how each is wired: metering is handed the prices."""

from collections.abc import Callable
from typing import Final

from callfunnel.infra.context import Context
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.service import Feature

ROLE: Final = "billing"


class Metering:
    """Usage, its sums, and the bill of each call."""

    name = "metering"

    def __init__(self, context: Context) -> None:
        self._context = context

    async def start(self) -> None:
        from workers.billing.metering import handlers
        from workers.billing.prices.files import read_prices

        bus, pool = await self._context.bus(ROLE), await self._context.pool(ROLE)
        outbox = Outbox(self.name, pool, bus, unhurried=True)
        metering = handlers.Metering(bus, pool, outbox, read_prices().rate)
        metering.register()
        await self._context.run(outbox, metering.deadlines)


FEATURES: Final[dict[str, Callable[[Context], Feature]]] = {Metering.name: Metering}
