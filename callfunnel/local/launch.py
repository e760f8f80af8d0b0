"""Start a program of the product early: import while the services come up, run once they are.

    python -m callfunnel.local.launch <file to wait for> <module> [arguments]

Importing takes longer than starting NATS, so it happens meanwhile. The file is left by
`callfunnel.local.prepare` when streams, tables and the bucket are there. The module (a package's
`__main__`) has a `main()` that reads `sys.argv`, as when it is run with `python -m`.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import time
from pathlib import Path
from types import ModuleType

_POLL_S = 0.02
_DEADLINE_S = 120.0


def main(argv: list[str]) -> None:
    marker, name, *arguments = argv
    _spare("aiohttp")  # nats-py's way to WebSockets, which nobody here takes: 0.2 s and 8 MB
    program = _import(name)
    for argument in arguments:
        if "." in argument:  # a package that the program will host, such as workers.billing
            importlib.import_module(f"{argument}.service")
    if not _appears(Path(marker)):
        sys.exit(f"{name}: the services were not ready after {_DEADLINE_S:.0f} s")
    sys.argv = [name, *arguments]
    sys.exit(program.main())


def _spare(package: str) -> None:
    """Make an optional import of somebody else's fail at once: None is how Python says absent."""
    sys.modules.setdefault(package, None)  # type: ignore[arg-type]  # typeshed knows modules only


def _import(name: str) -> ModuleType:
    spec = importlib.util.find_spec(name)
    is_package = spec is not None and spec.submodule_search_locations is not None
    return importlib.import_module(f"{name}.__main__" if is_package else name)


def _appears(marker: Path) -> bool:
    deadline = time.monotonic() + _DEADLINE_S
    while not marker.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


if __name__ == "__main__":
    main(sys.argv[1:])
