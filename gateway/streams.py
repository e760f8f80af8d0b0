"""How many streams of events may be open at once: per tenant and in all."""

import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from callfunnel.domain.ids import TenantId
from gateway.problems import RATE, ProblemError

PER_TENANT = 50
IN_ALL = 1000
_BEGINS_WITHIN_S = 5.0
"""Whoever was let in and went away before the first line is counted for this long."""


class Streams:
    """Counts open streams. Whoever is let in by `enter` must be run through `counted`.

    `now` is a monotonic clock.
    """

    def __init__(
        self,
        per_tenant: int = PER_TENANT,
        in_all: int = IN_ALL,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_tenant = per_tenant
        self._in_all = in_all
        self._now = now
        self._open: Counter[TenantId] = Counter()
        self._let_in: list[tuple[float, TenantId]] = []

    @property
    def open(self) -> int:
        """How many are open now."""
        return self._open.total()

    def enter(self, tenant: TenantId) -> None:
        """Raises ProblemError (429) when there are too many, those that are about to open too."""
        late = self._now() - _BEGINS_WITHIN_S
        self._let_in = [each for each in self._let_in if each[0] > late]
        mine = self._open[tenant] + sum(each[1] == tenant for each in self._let_in)
        if mine >= self._per_tenant or self.open + len(self._let_in) >= self._in_all:
            raise ProblemError(
                RATE, "Too many open streams.", "Close one first.", headers={"Retry-After": "5"}
            )
        self._let_in.append((self._now(), tenant))

    async def counted(
        self, tenant: TenantId, body: AsyncGenerator[bytes, None]
    ) -> AsyncIterator[bytes]:
        """`body`, counted while it is open and closed with it."""
        self._begun(tenant)
        self._open[tenant] += 1
        try:
            async with aclosing(body) as parts:
                async for part in parts:
                    yield part
        finally:
            self._open[tenant] -= 1

    def _begun(self, tenant: TenantId) -> None:
        first = next((n for n, each in enumerate(self._let_in) if each[1] == tenant), None)
        if first is not None:
            del self._let_in[first]
