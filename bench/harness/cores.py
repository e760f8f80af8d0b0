"""Which core runs what: the system under test has the last one, everything else the first.

An idle core of a virtual machine sleeps, and waking it takes longer than what is measured: the
core under test is kept awake by a spinner that runs only when nothing else wants to.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CORES: Final = sorted(os.sched_getaffinity(0))
"""What this process was given when it started."""
_SPIN: Final = """
import os
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(1_000_000): pass
"""


def pin(pid: int, core: int) -> None:
    """Keeps a process (0 = this one) with its threads to come on one core."""
    os.sched_setaffinity(pid, {core})


def busy_s(core: int) -> float:
    """Seconds a core has worked since the machine started, the spinner's and the kernel's, too."""
    lines = Path("/proc/stat").read_text().splitlines()
    ticks = next(line.split()[1:9] for line in lines if line.startswith(f"cpu{core} "))
    user, nice, system, _idle, _iowait, irq, softirq, _steal = map(int, ticks)
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def apart() -> Iterator[int]:
    """This process and what it starts stay on the first core; yields the core under test, awake.

    On a machine with one core both are the same.
    """
    pin(0, CORES[0])
    spinner = subprocess.Popen([sys.executable, "-S", "-E", "-c", _SPIN])
    pin(spinner.pid, CORES[-1])
    try:
        yield CORES[-1]
    finally:
        spinner.kill()
        spinner.wait()
        os.sched_setaffinity(0, CORES)
