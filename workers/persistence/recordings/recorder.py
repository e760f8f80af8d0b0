"""From segments on the bus to one object a call in S3, and the news of it.

A call is claimed by moving its deadline ahead, so a process that dies delays it and no more, and
no connection is held while the bus and the object store work. Segments are purged only once the
recording's row is committed; whoever finds the row after reading segments has come second, and
what it read may be incomplete, so it stores nothing.
"""

import asyncio
import hashlib
import logging
from collections import deque
from contextlib import nullcontext

from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.domain.ids import TenantId
from callfunnel.events.audio import AudioSegment
from callfunnel.events.settled import RecordingStored
from callfunnel.infra.bus import Bus, event
from callfunnel.infra.deadlines import Deadlines
from callfunnel.infra.objects import Objects
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.postgres import Pool, tenant_connection
from callfunnel.infra.stored import count, purge, stored
from workers.persistence.recordings import rules, store
from workers.persistence.recordings.assembly import CODEC, CONTENT_TYPE, assembled

AT_ONCE = 8
_CALLS_A_TURN = 8
log = logging.getLogger(__name__)


class Recorder:
    """Puts recordings together, `AT_ONCE` of them at a time, the tenants taking turns."""

    def __init__(self, bus: Bus, pool: Pool, objects: Objects, outbox: Outbox) -> None:
        self._bus = bus
        self._pool = pool
        self._objects = objects
        self._outbox = outbox
        self._alone = asyncio.Lock()
        self.deadlines = Deadlines("recordings", pool, self.work_off)

    async def work_off(self, tenant: TenantId) -> None:
        """One turn of a tenant: some of what is due. Raises Temporary, Permanent."""
        claims = _Claims(tenant, self._pool)
        workers = [asyncio.create_task(self._work(tenant, claims)) for _ in range(AT_ONCE)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()

    async def _work(self, tenant: TenantId, claims: "_Claims") -> None:
        for _ in range(_CALLS_A_TURN):
            waiting = await claims.next()
            if waiting is None:
                return
            try:
                await self._record(tenant, waiting)
            except Exception as error:
                delay = rules.backoff(waiting.tries)
                log.warning("recording", extra={"call": waiting.call, "reason": _reason(error)})
                await self._postpone(tenant, waiting.call, delay, failed=True)

    async def _record(self, tenant: TenantId, waiting: rules.Waiting) -> None:
        """One call, as far as it goes now; what is not all there is counted and not read."""
        if waiting.segments == 0:
            nothing = rules.plan([], 0, waiting.duration_ms)
            await self._save(tenant, waiting, _news("", b"", nothing), last=True)
            return
        there = await count(self._bus, AudioSegment, tenant, waiting.call)
        wait_s = rules.wait_for_count(waiting, there)
        if wait_s and not await self._is_stored(tenant, waiting.call):
            await self._postpone(tenant, waiting.call, wait_s, failed=False)
            return
        async with self._alone if there > rules.LONG_CALL else nullcontext():
            await self._assemble(tenant, waiting)

    async def _assemble(self, tenant: TenantId, waiting: rules.Waiting) -> None:
        found = await self._segments(tenant, waiting)
        if not await self._is_stored(tenant, waiting.call):
            wait_s = rules.wait_for_more(waiting, [segment.n for segment in found])
            if wait_s:
                await self._postpone(tenant, waiting.call, wait_s, failed=False)
                return
            plan = rules.plan(found, waiting.segments, waiting.duration_ms)
            of, call = waiting.traceparent, waiting.call
            with self._bus.tracer.span("store recording", of, tenant=tenant, call=call) as about:
                about["missing"] = plan.missing
                await self._save(tenant, waiting, await self._put(tenant, call, plan))
        await purge(self._bus, AudioSegment, tenant, waiting.call)
        async with tenant_connection(self._pool, tenant) as connection:
            await store.done(tenant, connection, waiting.call)

    async def _segments(self, tenant: TenantId, waiting: rules.Waiting) -> list[AudioSegment]:
        found = await stored(self._bus, AudioSegment, tenant, waiting.call)
        return [item.data for item in found if isinstance(item.data, AudioSegment)]

    async def _is_stored(self, tenant: TenantId, call: str) -> bool:
        async with tenant_connection(self._pool, tenant) as connection:
            return await store.is_stored(tenant, connection, call)

    async def _put(self, tenant: TenantId, call: str, plan: rules.Plan) -> RecordingStored:
        """The object in S3, or the news that there is no audio to store."""
        if not plan.samples:
            return _news("", b"", plan)
        body = await asyncio.to_thread(assembled, plan)
        key = f"recordings/{call}.{CODEC}"
        await self._objects.put(tenant, key, body, CONTENT_TYPE)
        return _news(key, body, plan)

    async def _save(
        self, tenant: TenantId, waiting: rules.Waiting, news: RecordingStored, *, last: bool = False
    ) -> None:
        """Row and news in one transaction; `last`: nothing is left to do for the call."""
        call, trace = waiting.call, waiting.traceparent
        told = event(news, tenant, call, id=f"{call}-recording", traceparent=trace)
        async with tenant_connection(self._pool, tenant) as connection:
            if await store.save(tenant, connection, call, news):
                await self._outbox.put(tenant, connection, [told])
            if last:
                await store.done(tenant, connection, call)
        self._outbox.wake(tenant)

    async def _postpone(self, tenant: TenantId, call: str, in_s: float, *, failed: bool) -> None:
        async with tenant_connection(self._pool, tenant) as connection:
            await store.postpone(tenant, connection, call, in_s, failed=failed)
        self.deadlines.wake(in_s)


class _Claims:
    """Calls of a tenant that are due, claimed some at a time and handed out one by one."""

    def __init__(self, tenant: TenantId, pool: Pool) -> None:
        self._tenant = tenant
        self._pool = pool
        self._alone = asyncio.Lock()
        self._claimed: deque[rules.Waiting] = deque()
        self._more = True

    async def next(self) -> rules.Waiting | None:
        """The next call; None when nothing more is due."""
        async with self._alone:
            if not self._claimed and self._more:
                async with tenant_connection(self._pool, self._tenant) as connection:
                    found = await store.claim(self._tenant, connection, rules.LEASE_S, AT_ONCE)
                self._claimed.extend(found)
                self._more = len(found) == AT_ONCE
            return self._claimed.popleft() if self._claimed else None


def _news(key: str, body: bytes, plan: rules.Plan) -> RecordingStored:
    return RecordingStored(
        object_key=key,
        codec=CODEC if key else "",
        duration_ms=plan.duration_ms if key else 0,
        size=len(body),
        sha256=hashlib.sha256(body).hexdigest() if key else "",
        segments=len(plan.parts),
        missing_segments=plan.missing,
    )


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, Temporary | Permanent) else type(error).__name__
