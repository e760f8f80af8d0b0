"""Processes that outlive the child that started them: given to the supervisor, and ended.

Postgres' backends lead sessions of their own, so killing the server's group does not reach them;
one that is frozen does not notice that its server is gone, and holds the shared memory without
which no other server can start.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True)


def adopt() -> None:
    """From now on a descendant whose parent dies becomes this process's child."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_strays(known: Collection[int]) -> None:
    """Ends every child of this thread but the known ones; call it again until they are gone."""
    for pid in _children() - set(known):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def _children() -> set[int]:
    me = os.getpid()
    try:
        return {int(pid) for pid in Path(f"/proc/{me}/task/{me}/children").read_text().split()}
    except OSError:  # a kernel without that file: strays are left to themselves
        return set()
