"""The services' programs behind a door: while a file holds a service, its next life does not begin.

The supervisor starts what was killed at once, as it should; this is how a service stays away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from callfunnel.local.services.programs import postgres_program, program

HELD = "held"
"""The folder whose files hold the services of their names."""
_DOOR = """#!/bin/sh
while [ -e '{held}' ]; do sleep 0.1; done
exec '{real}' "$@"
"""


def doors(folder: Path) -> Mapping[str, str]:
    """Makes the doors in `folder`; the settings that lead the supervisor through them."""
    held = folder / HELD
    held.mkdir()
    postgres = Path(postgres_program("postgres")).parent
    _make(folder / "postgres-bin", held / "postgres", postgres.iterdir())
    _make(folder / "bin", held / "objects", [Path(program("weed"))])
    _make(folder / "bin", held / "nats", [Path(program("nats-server"))])
    return {
        "CALLFUNNEL_POSTGRES_BIN": str(folder / "postgres-bin"),
        "CALLFUNNEL_WEED": str(folder / "bin" / "weed"),
        "CALLFUNNEL_NATS_SERVER": str(folder / "bin" / "nats-server"),
    }


def _make(folder: Path, held: Path, programs: Iterable[Path]) -> None:
    folder.mkdir(exist_ok=True)
    for real in programs:
        door = folder / real.name
        door.write_text(_DOOR.format(held=held, real=real))
        door.chmod(0o755)
