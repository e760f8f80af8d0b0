"""A worker under the profiler: `python -m bench.media.profiled <file>`; SIGUSR1 begins, SIGUSR2
ends and writes the file. Calls into C are seen too; what is in no Python frame (the event loop,
TLS on arrival) is what is left of the process's own CPU time.
"""

import cProfile
import runpy
import signal
import sys
import time
from types import FrameType

PROFILE = cProfile.Profile(time.thread_time)


def begin(_signal: int, _frame: FrameType | None) -> None:
    PROFILE.enable()


def end(_signal: int, _frame: FrameType | None) -> None:
    PROFILE.disable()
    PROFILE.dump_stats(sys.argv[1])


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, begin)
    signal.signal(signal.SIGUSR2, end)
    runpy.run_module("workers.media", run_name="__main__")
