"""`python -m workers.media.windup`: what a process left in its spool is told, sent and removed.

For the spool of a process that nobody starts again under its name: a replaced one, or one of a day
with more workers. Its unfinished calls are ended as by its successor. Takes no calls.
"""

import logging
import shutil
import sys
from collections.abc import Mapping
from typing import Final

from callfunnel.domain.call import WorkerRecord
from callfunnel.domain.errors import UserError
from callfunnel.domain.ids import WorkerId
from callfunnel.infra import process
from callfunnel.infra.clock import utc_now
from callfunnel.infra.context import Context
from callfunnel.infra.process import Job
from callfunnel.infra.settings import PlatformSettings
from callfunnel.infra.spool import Spool, SpoolInUse
from workers.media.predecessor import end_calls_of_predecessor
from workers.media.registry import Registry

_log: Final = logging.getLogger(__name__)
_LONGEST_S: Final = 3600.0


def main() -> int:
    """The exit code: 1 when something is left."""
    return process.main(_job)


def _job(env: Mapping[str, str]) -> Job:
    settings = PlatformSettings.from_env(env)
    return Job(settings, lambda: wind_up(settings))


async def wind_up(settings: PlatformSettings) -> int:
    """Ends the calls of that spool, waits until the bus has everything, removes the folder."""
    try:
        spool = await Spool.open(settings.spool_dir)
    except SpoolInUse:
        _log.info("the spool is in use")  # whoever has it looks after it
        return 0
    try:
        left = len(spool.unfinished_calls()) + spool.backlog
        done = left == 0 or await _send(settings, spool)
        if done:
            shutil.rmtree(settings.spool_dir)
    finally:
        await spool.close()
    _log.info("wound up", extra={"count": left})
    return 0 if done else 1


async def _send(settings: PlatformSettings, spool: Spool) -> bool:
    context = Context(settings)
    try:
        bus = await context.bus("media")
        await spool.send_through(bus.client)
        name = WorkerId(settings.process)
        registry = Registry(bus, name, lambda: _record(settings))
        await end_calls_of_predecessor(spool, registry, context.tracer)
        return await spool.drain(_LONGEST_S)
    except UserError as error:
        _log.error("not wound up", extra={"reason": str(error)})
        return False
    finally:
        await context.stop_buses()
        await context.close()


def _record(settings: PlatformSettings) -> WorkerRecord:
    """What this process would be in the registry, which it never enters."""
    return WorkerRecord(
        worker=WorkerId(settings.process),
        url="",
        slots=0,
        used=0,
        draining=True,
        model=settings.model,
        at=utc_now(),
    )


if __name__ == "__main__":
    sys.exit(main())
