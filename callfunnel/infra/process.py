"""What every process of the product is before its own first line runs, and what it ends with.

Settings come from the environment, logs are JSON lines, the loop is uvloop's where there is one; a
mistake in what it was told is one line on stderr and exit code 2.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, NamedTuple

from callfunnel.domain.errors import UserError
from callfunnel.infra import core_dumps
from callfunnel.infra.logs import write_json_lines
from callfunnel.infra.settings import PlatformSettings

SWITCH_S: Final = 0.0005
"""Python's own 5 ms are waited for at every step of the loop: a tool's answer takes several."""


class Job(NamedTuple):
    """What a process is for; the result of its work is the exit code."""

    settings: PlatformSettings
    work: Callable[[], Coroutine[Any, Any, int]]


def main(job_of: Callable[[Mapping[str, str]], Job]) -> int:
    """Does the job that the environment asks for; the exit code.

    `job_of` raises UserError or ValueError, and the work UserError, for what cannot be done as
    it was told.
    """
    try:
        job = job_of(os.environ)
    except (UserError, ValueError) as error:
        return _said(error)
    write_json_lines(job.settings.process)
    try:
        return run(job.work())
    except UserError as error:
        return _said(error)


def run(work: Coroutine[Any, Any, int]) -> int:
    """Runs a process's work on uvloop where there is one; its exit code.

    Such a process leaves no core dump, and a thread that computes (a rule book is read in one)
    hands the interpreter back to the loop after half a millisecond.
    """
    core_dumps.forbid()
    sys.setswitchinterval(SWITCH_S)
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _said(error: Exception) -> int:
    sys.stderr.write(f"{error}\n")
    return 2
