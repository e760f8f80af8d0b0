"""Bus in: the ends of calls. Out: one object a call in S3, and the news of it.

The end is only noted; whoever is free puts the recording together, as soon as all segments are on
the bus. An object store that is down delays it and nothing else: segments wait on the bus and
are purged only once the recording's row is committed.
"""

import asyncio
import hashlib
import logging
from collections import defaultdict
from typing import Any

from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.domain.ids import TenantId
from callfunnel.events.audio import AudioSegment
from callfunnel.events.call import CallEnded
from callfunnel.events.settled import RecordingStored
from callfunnel.infra.bus import Bus, Received, event
from callfunnel.infra.deadlines import Deadlines
from callfunnel.infra.objects import Objects
from callfunnel.infra.outbox import Outbox
from callfunnel.infra.postgres import Connection, Pool, tenant_connection
from callfunnel.infra.stored import purge, stored
from workers.persistence.recordings import rules, store
from workers.persistence.recordings.assembly import CODEC, CONTENT_TYPE, assembled

log = logging.getLogger(__name__)
BATCH = 100
AT_ONCE = 3


class Recorder:
    """Puts recordings together, `AT_ONCE` of them at a time."""

    def __init__(self, bus: Bus, pool: Pool, objects: Objects, outbox: Outbox) -> None:
        self._bus = bus
        self._pool = pool
        self._objects = objects
        self._outbox = outbox
        self.deadlines = Deadlines("recordings", pool, self.work_off)

    def register(self) -> None:
        """Adds the consumer of ended calls."""

        @self._bus.consumer("recordings", CallEnded, batch=BATCH)
        async def note(batch: list[Received[CallEnded]]) -> None:
            by_tenant: dict[TenantId, list[dict[str, Any]]] = defaultdict(list)
            for item in batch:
                by_tenant[item.envelope.tenant].append(_end(item))
            for tenant, ends in by_tenant.items():
                async with tenant_connection(self._pool, tenant) as connection:
                    await store.wait(tenant, connection, ends)
            self.deadlines.wake(0.0)

    async def work_off(self, tenant: TenantId) -> None:
        """Does all that is due of a tenant. Raises Temporary, Permanent."""
        workers = [asyncio.create_task(self._work(tenant)) for _ in range(AT_ONCE)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()

    async def _work(self, tenant: TenantId) -> None:
        while call := await self._one(tenant):
            if await self._is_stored(tenant, call):
                await purge(self._bus, AudioSegment, tenant, call)
                async with tenant_connection(self._pool, tenant) as connection:
                    await store.done(tenant, connection, call)

    async def _one(self, tenant: TenantId) -> str:
        """Takes one call that is due as far as it goes now; returns which, or nothing."""
        async with tenant_connection(self._pool, tenant) as connection:
            waiting = await store.claim(tenant, connection)
            if waiting is None:
                return ""
            try:
                made = await self._made(tenant, waiting)
            except Exception as error:
                log.warning("recording", extra={"call": waiting.call, "error": _name(error)})
                made = rules.Later(rules.backoff(waiting.tries), failed=True)
            match made:
                case rules.Later(in_s=in_s, failed=failed):
                    await store.postpone(tenant, connection, waiting.call, in_s, failed=failed)
                    self.deadlines.wake(in_s)
                case RecordingStored():
                    await self._save(tenant, connection, waiting, made)
        self._outbox.wake(tenant)
        return waiting.call

    async def _made(
        self, tenant: TenantId, waiting: rules.Waiting
    ) -> RecordingStored | rules.Later | None:
        """The stored recording; None when it was stored before. Raises Temporary."""
        if waiting.stored:
            return None
        found = await self._segments(tenant, waiting)
        wait_s = rules.wait_for_more(waiting, [segment.n for segment in found])
        if wait_s:
            return rules.Later(wait_s)
        plan = rules.plan(found, waiting.segments, waiting.duration_ms)
        return await self._put(tenant, waiting.call, plan)

    async def _segments(self, tenant: TenantId, waiting: rules.Waiting) -> list[AudioSegment]:
        if waiting.segments == 0:
            return []
        found = await stored(self._bus, AudioSegment, tenant, waiting.call)
        return [item.data for item in found if isinstance(item.data, AudioSegment)]

    async def _put(self, tenant: TenantId, call: str, plan: rules.Plan) -> RecordingStored:
        """The object in S3, or the news that there is no audio to store."""
        if not plan.samples:
            return _news("", b"", plan)
        body = await asyncio.to_thread(assembled, plan)
        key = f"recordings/{call}.{CODEC}"
        await self._objects.put(tenant, key, body, CONTENT_TYPE)
        return _news(key, body, plan)

    async def _save(
        self,
        tenant: TenantId,
        connection: Connection,
        waiting: rules.Waiting,
        news: RecordingStored,
    ) -> None:
        """Row and news in one transaction; only after it are the segments purged."""
        call = waiting.call
        told = event(news, tenant, call, id=f"{call}-recording", traceparent=waiting.traceparent)
        await store.save(tenant, connection, call, news)
        await self._outbox.put(tenant, connection, [told])

    async def _is_stored(self, tenant: TenantId, call: str) -> bool:
        async with tenant_connection(self._pool, tenant) as connection:
            return await store.is_stored(tenant, connection, call)


def _end(item: Received[CallEnded]) -> dict[str, Any]:
    return {
        "call": item.envelope.key,
        "segments": item.data.segments,
        "duration_ms": item.data.duration_ms,
        "traceparent": item.envelope.traceparent,
    }


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


def _name(error: Exception) -> str:
    return error.reason if isinstance(error, Temporary | Permanent) else type(error).__name__
