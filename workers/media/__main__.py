"""`python -m workers.media`: one media worker, from its environment to its last call."""

import sys
from collections.abc import Mapping
from functools import partial

from callfunnel.domain.errors import UserError
from callfunnel.infra import process
from callfunnel.infra.host import Host
from callfunnel.infra.process import Job
from workers.media.models.line import OpenLine
from workers.media.models.registry import MODELS, ModelNames
from workers.media.settings import MediaSettings
from workers.media.worker import open_worker


def main() -> int:
    """Runs until SIGTERM and the end of the last call; the exit code."""
    return process.main(_job)


def _job(env: Mapping[str, str]) -> Job:
    settings = MediaSettings.from_env(env)
    return Job(settings.platform, lambda: serve(settings))


async def serve(settings: MediaSettings) -> int:
    """The exit code. Raises UserError for what the model cannot be opened with."""
    opens = partial(open_worker, settings, line_of(settings))
    return await Host(settings.platform, opens, settings.platform.http_port).run()


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


if __name__ == "__main__":
    sys.exit(main())
