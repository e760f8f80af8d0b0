"""The calls a worker left when it died, ended by the worker that opens the same spool.

The end names exactly what the predecessor's spool accepted, so the timeline is complete and the
recording as long as it got. It is told also when the pin is over already: the predecessor may have
died between its pin and its spool, and what the reaper has told has the same id. A spool that is
full is waited for: with the pin over, nobody else would ever tell the end.
"""

import asyncio
import logging
from typing import Final

import msgspec

from callfunnel.domain.call import Cause
from callfunnel.infra.clock import unix_ns, unix_ns_of, utc_now
from callfunnel.infra.spans import Tracer
from callfunnel.infra.spool import Spool, UnfinishedCall
from workers.media.audio.recorder import SEGMENT_MS
from workers.media.endings import worker_lost
from workers.media.parting import tell_surely
from workers.media.registry import Registry
from workers.media.report import Journal, Reporter
from workers.media.spans import CallSpans
from workers.media.usage import Meters

_log: Final = logging.getLogger(__name__)


async def end_calls_of_predecessor(spool: Spool, registry: Registry, tracer: Tracer) -> None:
    """Ends every unfinished call of the spool; returns once all is on disk, to be sent."""
    lost = spool.unfinished_calls()
    await asyncio.gather(*(_end(spool, registry, tracer, left) for left in lost))


async def _end(spool: Spool, registry: Registry, tracer: Tracer, left: UnfinishedCall) -> None:
    try:
        journal = msgspec.json.decode(left.document, type=Journal)
    except (ValueError, RecursionError):
        _log.error("an unreadable journal entry", extra={"call": left.call})
        spool.close_call(left.call)
        return
    spec = journal.spec
    await registry.conclude(spec, journal.epoch, Cause.WORKER_LOST, "")
    began = unix_ns_of(journal.began)
    spans = CallSpans(tracer, spec, unix_ns, began)
    reporter = Reporter(spec, spool, utc_now, witnesses=[spans])
    reporter.resume(left)
    length = left.segments * SEGMENT_MS
    if not left.totals:  # told twice they would count once, and the end would expect them twice
        Meters(reporter, "", "").estimate(length)
    await tell_surely(reporter, worker_lost(length))
    _log.warning("ended a predecessor's call", extra={"call": spec.call})
