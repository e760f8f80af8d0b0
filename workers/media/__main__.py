"""`python -m workers.media`: one media worker, from its environment to its last call."""

import asyncio
import os
import signal
import sys

from callfunnel.domain.errors import UserError
from callfunnel.infra.context import Context
from callfunnel.infra.health import Health
from callfunnel.infra.logs import write_json_lines
from callfunnel.infra.service import announce, run, run_until_signal, withdraw
from workers.media.models.line import OpenLine
from workers.media.models.registry import MODELS, ModelNames
from workers.media.settings import MediaSettings
from workers.media.worker import MediaWorker


def main() -> int:
    """Runs until SIGTERM and the end of the last call; the exit code."""
    try:
        settings = MediaSettings.from_env(os.environ)
    except ValueError as error:
        return _said(error)
    write_json_lines(settings.platform.process)
    try:
        return run(serve(settings))
    except UserError as error:
        return _said(error)


def _said(error: Exception) -> int:
    sys.stderr.write(f"{error}\n")
    return 2


def names_of(settings: MediaSettings) -> ModelNames:
    """Where the bought model is, for the line that wants to know."""
    return ModelNames(
        base_url=settings.platform.openai_base_url,
        key=settings.platform.openai_api_key,
        model=settings.openai_model,
        transcription=settings.openai_transcription,
    )


def line_of(settings: MediaSettings) -> OpenLine:
    """Opens the lines of this worker's calls. Raises UserError for an address that is none."""
    try:
        return MODELS[settings.platform.model](names_of(settings))
    except ValueError as error:
        raise UserError(str(error)) from error


async def serve(settings: MediaSettings) -> int:
    """Ready once the worker is registered; gone once its calls are. Raises UserError."""
    platform = settings.platform
    open_line = line_of(settings)
    context = Context(platform)
    worker = MediaWorker(settings, context, open_line)
    health = Health(lambda: {**context.checks(), **worker.checks()}, context.telemetry)
    port = await health.start(platform.http_port, platform.health_host)
    loop = asyncio.get_running_loop()

    def told() -> dict[str, object]:
        return {"http_port": port, "media_url": worker.record().url}

    async def start() -> None:
        await worker.start()
        await context.start()
        announce(platform, **told())

    async def end() -> None:
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, worker.hurry)
        draining = await worker.refuse()
        announce(platform, **told(), draining=draining)
        await worker.stop()
        withdraw(platform)
        await context.stop_buses()
        await context.close()
        await health.stop()

    return await run_until_signal(start, end, context.closed_for_good)


if __name__ == "__main__":
    sys.exit(main())
