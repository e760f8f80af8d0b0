"""Deadlines kept in the database, and the one timer that waits for the next of them.

A feature writes when it will stop waiting for a call (`<schema>.deadlines`, made by
`platform.add_deadlines`) in its own transactions. This finds which tenants have something due and
has the feature act, tenant by tenant. Rows outlive the process that wrote them: another one finds
them when it looks again.
"""

import logging
from collections.abc import Awaitable, Callable

from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.domain.ids import TenantId
from callfunnel.infra.background import Background
from callfunnel.infra.postgres import Pool, platform_connection

_LOOK_AGAIN_S = 10.0
_AFTER_TROUBLE_S = 1.0
_AFTER_ACTING_S = 0.2
_SHORTEST_S = 0.02
_DUE = "select tenant, extract(epoch from due_at - now())::float8 from schema.due_tenants()"
Act = Callable[[TenantId], Awaitable[None]]
log = logging.getLogger(__name__)


class Deadlines:
    """Calls `act(tenant)` when a tenant has a deadline that is due; any number of processes may.

    `act` claims what is due (`for update skip locked`), and removes it or sets it later.
    """

    def __init__(self, schema: str, pool: Pool, act: Act) -> None:
        if not schema.isidentifier():
            raise ValueError(f"{schema!r} is no schema")
        self._schema = schema
        self._pool = pool
        self._act = act
        self._query = _DUE.replace("schema.", f"{schema}.")
        self._waiting = Background(f"deadlines of {schema}", self._act_on_due)

    def wake(self, in_s: float) -> None:
        """A deadline was written that is due in so many seconds."""
        self._waiting.wake(in_s)

    async def start(self) -> None:
        """Begins to wait, with what is due already."""
        self._waiting.start()

    async def stop(self) -> None:
        """Stops; what is due stays in the table."""
        await self._waiting.stop()

    async def _act_on_due(self) -> float:
        """Has the feature act where something is due; returns the seconds until the next look."""
        async with platform_connection(self._pool) as connection:
            rows = await (await connection.execute(self._query)).fetchall()
        pause = _LOOK_AGAIN_S
        for tenant, wait in rows:
            pause = min(pause, await self._act_for(TenantId(tenant)) if wait <= 0 else float(wait))
        return max(_SHORTEST_S, pause)

    async def _act_for(self, tenant: TenantId) -> float:
        """A tenant in trouble does not keep the others waiting."""
        try:
            await self._act(tenant)
        except Exception as error:
            return self._trouble(error)
        return _AFTER_ACTING_S

    def _trouble(self, error: Exception) -> float:
        """A foreign exception is named by its type only: its text may quote a row."""
        foreign = type(error).__name__
        reason = error.reason if isinstance(error, Temporary | Permanent) else foreign
        log.warning("deadlines", extra={"schema": self._schema, "reason": reason})
        return _AFTER_TROUBLE_S
