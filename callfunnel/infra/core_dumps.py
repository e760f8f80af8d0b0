"""No core dumps: memory holds secrets and what callers say, and never becomes a file."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path

_FILTER = Path("/proc/self/coredump_filter")


def forbid() -> None:
    """For this process and everything it starts from now on.

    A `core_pattern` that pipes does not ask the limit: the filter leaves it no memory to read.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        _FILTER.write_text("0")
