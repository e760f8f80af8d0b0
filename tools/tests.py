"""`./cf test`: the whole suite, the quick parts first, spread over the processors.

Everything after `test` goes to pytest; with paths only those are run. `--containers` runs the
integration tests on services from a container engine instead of the wheels (tests/containers).
"""

from __future__ import annotations

import os
import subprocess
import sys

MOST_WORKERS = 8  # each integration worker starts a stack of its own, 150-200 MB
CONTAINERS = "--containers"

# Not in containers: `local` tests the embedded services themselves, `story` the whole of `up`.
ON_CONTAINERS = ("billing", "bus", "conductor", "gateway", "isolation", "media", "persistence")


def command(arguments: list[str], processors: int) -> list[str]:
    """pytest's arguments: files stay together, so that a module's stack is started once."""
    workers = max(2, min(processors, MOST_WORKERS))
    spread = ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]
    alone = any(each == "--pdb" or each.startswith(("-n", "--numprocesses")) for each in arguments)
    return ["-m", "pytest", *([] if alone else spread), *arguments]


def on_containers(arguments: list[str]) -> list[str]:
    """The arguments without the switch; the integration tests unless paths are named."""
    rest = [each for each in arguments if each != CONTAINERS]
    named = any(each.startswith("tests") for each in rest)
    return rest if named else [*(f"tests/integration/{each}" for each in ON_CONTAINERS), *rest]


def main(arguments: list[str]) -> int:
    """Becomes pytest. Returns 2 when containers are asked for and there is no engine."""
    if {"-h", "--help"} & set(arguments):
        print(f"{__doc__}\nWhat follows is pytest's own help.\n", flush=True)
    if CONTAINERS in arguments:
        told = subprocess.run([sys.executable, "-m", "tests.containers.engine"], check=False)
        if told.returncode != 0:
            return told.returncode
        arguments = on_containers(arguments)
        os.environ["CALLFUNNEL_TEST_SERVICES"] = "containers"
    words = [sys.executable, *command(arguments, os.cpu_count() or 2)]
    return os.execv(sys.executable, words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
