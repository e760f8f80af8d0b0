"""How many streams of events may be open at once: per tenant and in all."""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from callfunnel.domain.ids import TenantId
from gateway.problems import RATE, ProblemError

PER_TENANT = 50
IN_ALL = 1000


class Streams:
    """Counts open streams. Whoever is let in by `enter` must be run through `counted`."""

    def __init__(self, per_tenant: int = PER_TENANT, in_all: int = IN_ALL) -> None:
        self._per_tenant = per_tenant
        self._in_all = in_all
        self._open: Counter[TenantId] = Counter()

    @property
    def open(self) -> int:
        """How many are open now."""
        return self._open.total()

    def enter(self, tenant: TenantId) -> None:
        """Raises ProblemError (429) when there are too many."""
        if self._open[tenant] >= self._per_tenant or self.open >= self._in_all:
            raise ProblemError(
                RATE, "Too many open streams.", "Close one first.", headers={"Retry-After": "5"}
            )

    async def counted(
        self, tenant: TenantId, body: AsyncGenerator[bytes, None]
    ) -> AsyncIterator[bytes]:
        """`body`, counted while it is open and closed with it."""
        self._open[tenant] += 1
        try:
            async with aclosing(body) as parts:
                async for part in parts:
                    yield part
        finally:
            self._open[tenant] -= 1
