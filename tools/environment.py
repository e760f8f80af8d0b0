"""Makes the environment that `./cf` runs in: pinned, hashed, from whatever index this machine uses.

Stands on the standard library alone, because it runs before anything is installed.
The copy of the lock beside the packages is written last: without it nothing counts as installed,
and a run that was cut off starts again from an empty folder.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
ROOM_NEEDED = {"run": 700_000_000, "dev": 1_100_000_000}  # bytes, with the wheels unpacked
BROKEN_OFF = "installing"
LOG = "install.log"
NO_NETWORK = "no network: "

# What the installers print, and what it means for the person in front of the machine.
EXPLANATIONS = (
    ("No space left", "the disk is full: free about 1 GB and run this again"),
    ("ash mismatch", "a package is not the one the lock names: check the index or mirror"),
    ("DO NOT MATCH", "a package is not the one the lock names: check the index or mirror"),
    (
        "Permission denied",
        "this folder is not yours to write: use your own clone, or CALLFUNNEL_VENV",
    ),
    ("name resolution", NO_NETWORK + "the name of the package index cannot be resolved"),
    ("dns error", NO_NETWORK + "the name of the package index cannot be resolved"),
    (
        "ertificate",
        "the package index's certificate is not trusted here: see PIP_CERT, SSL_CERT_FILE",
    ),
    ("onnect", NO_NETWORK + "the package index cannot be reached"),
    ("timed out", "the package index does not answer in time"),
    ("No matching distribution", "the package index lacks a version that the lock names"),
)


class Failed(Exception):
    """The environment cannot be made; the text is for the user, complete as it is."""


def say(text: str) -> None:
    print(f"cf: {text}", file=sys.stderr, flush=True)


def run(command: list[str], venv: Path, environment: Mapping[str, str] | None = None) -> None:
    """Runs quietly. Raises Failed with one line; everything that was printed is in a log."""
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        with suppress(OSError):
            (venv / LOG).write_text(done.stdout)
        raise Failed(f"{explain(done.stdout)} (all of it is in {venv / LOG})")


def explain(output: str) -> str:
    """The likely reason, else the installer's own last words."""
    last = next((line for line in reversed(output.splitlines()) if line.strip()), "it said nothing")
    reasons = (text for sign, text in EXPLANATIONS if sign in output)
    return next(reasons, f"the installer failed: {last.strip()}")


@contextmanager
def only_one() -> Iterator[None]:
    """Two runs at once take turns; the lock is on a folder, so no file is left behind."""
    handle = os.open(REQUIREMENTS, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run is making the environment; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def installed(kind: str, venv: Path) -> bool:
    """Whether the packages of this lock, or of the larger one, are all there."""
    return (venv / "bin/python").exists() and any(
        _text(venv / f"installed-{each}.lock") == _text(REQUIREMENTS / f"{each}.lock")
        for each in (kind, "dev")
    )


def _text(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None


def make(kind: str, venv: Path) -> None:
    """Brings the folder to what the lock says, with uv where it can be had, else with pip."""
    _check_room(kind, venv)
    fresh = not (venv / "bin/python").exists() or (venv / BROKEN_OFF).exists()
    if fresh:
        say(f"making the environment in {venv} (Python {sys.version.split()[0]}) ...")
        create(venv)
    (venv / BROKEN_OFF).touch()
    lock = REQUIREMENTS / f"{kind}.lock"
    say(f"installing {_count(lock)} pinned packages ...")
    install(lock, venv)
    shutil.copyfile(lock, venv / f"installed-{kind}.lock")
    (venv / BROKEN_OFF).unlink()


def _check_room(kind: str, venv: Path) -> None:
    try:
        venv.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(venv).free
    except OSError as problem:
        raise Failed(f"{venv} cannot be made: {problem.strerror}; see CALLFUNNEL_VENV") from None
    if not os.access(venv, os.W_OK):
        raise Failed(f"{venv} is not yours to write: use your own clone, or CALLFUNNEL_VENV=DIR")
    if free < ROOM_NEEDED[kind]:
        need = ROOM_NEEDED[kind] // 1_000_000
        raise Failed(f"the disk is full: {free // 1_000_000} MB free, {need} MB needed")


def _count(lock: Path) -> int:
    return sum("==" in line for line in lock.read_text().splitlines())


def create(venv: Path) -> None:
    uv = shutil.which("uv")
    if uv:
        run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(venv)], venv)
    else:
        run([sys.executable, "-m", "venv", "--clear", str(venv)], venv)


def install(lock: Path, venv: Path) -> None:
    python = str(venv / "bin/python")
    uv, settings = find_uv(venv)
    if uv:
        command = [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes"]
        try:
            run([*command, "-r", str(lock)], venv, settings)
        except Failed as problem:
            say(f"uv did not manage; trying pip. {problem}")
        else:
            return
    with_pip(lock, venv)


def find_uv(venv: Path) -> tuple[str | None, dict[str, str]]:
    """uv from the machine, else from the lock; with pip's settings, which uv does not read."""
    uv = shutil.which("uv")
    if uv:
        return uv, {}
    python, own = str(venv / "bin/python"), venv / "bin/uv"
    try:
        with_pip(REQUIREMENTS / "installer.lock", venv)
    except Failed as problem:
        if str(problem).startswith(NO_NETWORK):
            raise
        return None, {}
    return str(own), settings_of_pip(python)


def with_pip(lock: Path, venv: Path) -> None:
    python = str(venv / "bin/python")
    probe = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
    if probe.returncode != 0:
        run([python, "-m", "ensurepip"], venv)
    options = [
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--only-binary",
        ":all:",
    ]
    run([python, "-m", "pip", "install", *options, "-r", str(lock)], venv)


def settings_of_pip(python: str) -> dict[str, str]:
    command = [python, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return for_uv(listed, os.environ)


def for_uv(listed: str, environment: Mapping[str, str]) -> dict[str, str]:
    """What pip was told about its index, in the words of uv; what uv was told itself stays."""
    names = {
        "index-url": "UV_DEFAULT_INDEX",
        "extra-index-url": "UV_INDEX",
        "cert": "SSL_CERT_FILE",
    }
    found: dict[str, str] = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        name = names.get(key.rsplit(".", 1)[-1])
        if name and name not in environment:
            found[name] = " ".join(value.strip("'\"").replace("\\n", " ").split())
    return found


def main() -> int:
    kind, venv = sys.argv[1], Path(sys.argv[2]).absolute()
    began = time.monotonic()
    try:
        with only_one():
            if installed(kind, venv):
                return 0
            make(kind, venv)
    except Failed as problem:
        say(f"no environment: {problem}")
        return 1
    except KeyboardInterrupt:
        say("stopped; the next run starts afresh")
        return 130
    say(f"the environment is ready ({time.monotonic() - began:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
