"""The home folder: where one embedded stack keeps its state, and who may run it.

    secrets/    the sealed store              nats/ postgres/ objects/   the services' data
    rulebooks/  the rule books one may edit   spool/                     events not yet on the bus
    logs/       one file per process          run/                       only while it runs
    ports.json  the ports, chosen once

Folders are 0700. One `up` at a time holds `run/lock`; two homes know nothing of each other.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callfunnel.domain.errors import UserError

FOLDERS = ("secrets", "nats", "objects", "rulebooks", "spool", "logs", "run")


@dataclass(frozen=True, slots=True)
class Home:
    """One home folder, absolute."""

    root: Path

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def rulebooks(self) -> Path:
        return self.root / "rulebooks"

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def state(self) -> Path:
        """What runs now: see `read_state`."""
        return self.run / "up.json"

    @property
    def targets(self) -> Path:
        """Where the metrics of what runs now are: see `targets`."""
        return self.run / "targets.json"

    def log(self, name: str) -> Path:
        return self.root / "logs" / f"{name}.log"


def home_from(option: str | None, environment: Mapping[str, str]) -> Home:
    """The home that `--home`, CALLFUNNEL_HOME or nothing (`~/.callfunnel`) asks for."""
    chosen = option or environment.get("CALLFUNNEL_HOME") or "~/.callfunnel"
    return Home(Path(chosen).expanduser().absolute())


def prepare(home: Home) -> None:
    """Make the folders. Raises UserError when that cannot be done or others may look inside."""
    try:
        home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in FOLDERS:
            (home.root / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the home folder {home.root} cannot be used ({error.strerror})",
            "give another one with --home DIR or CALLFUNNEL_HOME",
        ) from error
    if home.root.stat().st_uid != os.geteuid():
        raise UserError(f"the home folder {home.root} belongs to another user", "give --home DIR")
    for folder in (home.root, *(home.root / name for name in FOLDERS)):
        folder.chmod(0o700)


def lock(home: Home) -> int:
    """Take the home for this process; the lock ends with the returned descriptor or the process.

    Raises UserError when an `up` runs there already.
    """
    handle = os.open(home.run / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        where = read_state(home).get("gateway", "starting")
        raise UserError(
            f"CallFunnel already runs in {home.root} ({where})",
            "stop it with `./cf down`, or give this one another --home",
        ) from error
    return handle


def is_running(home: Home) -> bool:
    """Whether an `up` holds this home now. Raises UserError where one may not look."""
    try:
        handle = os.open(home.run / "lock", os.O_RDWR | os.O_CLOEXEC)
    except PermissionError as error:
        raise UserError(
            f"the home folder {home.root} belongs to another user", "give --home DIR"
        ) from error
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def read_state(home: Home) -> dict[str, Any]:
    """What the running `up` wrote: `pid`, `gateway`, `processes`, `services`; {} when nothing.

    `processes` is a list of {name, pid}, kept up to date over restarts.
    """
    try:
        state = json.loads(home.state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def write_json(file: Path, content: Mapping[str, object] | Sequence[object]) -> None:
    """Replace `file`, 0600, so that a reader never sees half of it."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(content, out, indent=2)
        out.write("\n")
    temporary.replace(file)
