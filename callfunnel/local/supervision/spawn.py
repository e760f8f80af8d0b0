"""Starting and ending child processes so that none outlives the supervisor.

Each child leads a session of its own (Ctrl-C in the terminal reaches the supervisor alone) and is
told to die with its parent. The kernel ties that to the *thread* that started it: call `spawn`
from the main thread only.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import warnings
from contextlib import suppress

from callfunnel.domain.errors import UserError
from callfunnel.local.supervision.process import Process

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
LOG_LIMIT = 5 * 1024 * 1024
DOOR = "CALLFUNNEL_HTTP_FD"


def spawn(process: Process, door: int | None = None) -> subprocess.Popen[bytes]:
    """Start it, its output appended to its log. Raises UserError when it cannot be started.

    `door` is an open listening socket that it inherits, named to it by CALLFUNNEL_HTTP_FD.
    """
    parent = os.getpid()
    handed = {} if door is None else {DOOR: str(door)}

    def before_exec() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(process.orphan))
        if os.getppid() != parent:
            os._exit(1)

    keep_log_short(process)
    try:
        with process.log.open("ab", buffering=0) as log, warnings.catch_warnings():
            # Python 3.12 warns of forking beside threads: the child only makes the calls above.
            warnings.simplefilter("ignore", DeprecationWarning)
            return subprocess.Popen(
                process.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**process.env, **handed},
                pass_fds=() if door is None else (door,),
                cwd=process.cwd,
                start_new_session=True,
                umask=0o077,
                preexec_fn=before_exec,  # noqa: PLW1509 - called from the one thread there is
            )
    except OSError as error:
        raise UserError(
            f"{process.name} cannot be started ({error.strerror})",
            f"free space or memory may be short; its log is {process.log}",
        ) from error


def end_group(pid: int, how: signal.Signals) -> None:
    """Signal everything that `pid` started, itself included; no error when it is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, how)


def last_words(process: Process, lines: int = 1) -> str:
    """The last lines of its log, for a message about why it would not start."""
    try:
        text = process.log.read_bytes()[-8192:].decode(errors="replace")
    except OSError:
        return ""
    said = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(said[-lines:])


def keep_log_short(process: Process) -> None:
    """Puts a log that has grown long aside, in place of the one put aside before.

    The process goes on writing to the same file, at its end, wherever that is; a line that it
    writes in this moment may be missing. Whoever floods a port must not fill the disk.
    """
    aside = process.log.with_suffix(".log.1")
    with suppress(OSError):
        if process.log.stat().st_size > LOG_LIMIT:
            shutil.copyfile(process.log, aside)
            aside.chmod(0o600)
            os.truncate(process.log, 0)
