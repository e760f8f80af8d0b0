"""`./cf test`: the whole suite, the quick parts first, spread over the processors.

Everything after `test` goes to pytest; with paths only those are run.
"""

from __future__ import annotations

import os
import sys

MOST_WORKERS = 8  # each integration worker starts a stack of its own, 150-200 MB


def command(arguments: list[str], processors: int) -> list[str]:
    """pytest's arguments: files stay together, so that a module's stack is started once."""
    workers = max(2, min(processors, MOST_WORKERS))
    spread = ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]
    alone = any(each == "--pdb" or each.startswith(("-n", "--numprocesses")) for each in arguments)
    return ["-m", "pytest", *([] if alone else spread), *arguments]


if __name__ == "__main__":
    os.execv(sys.executable, [sys.executable, *command(sys.argv[1:], os.cpu_count() or 2)])
