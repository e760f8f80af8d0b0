"""What must be so before anything can run: Python, memory, disk, the home folder, a voice."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from callfunnel.cli.findings import Finding, bad, ok, warn
from callfunnel.local.home.folder import Home

NEEDED_MB = 1_000
MEMORY_MB = 1_000


def look(home: Home) -> Iterator[Finding]:
    yield _python()
    yield _memory()
    yield from _home(home)
    yield _disk(home)
    yield _voice()


def _python() -> Finding:
    version = sys.version.split()[0]
    if sys.version_info >= (3, 14):
        return warn("python", f"{version} is newer than what was tested", "use 3.11 to 3.13")
    return ok("python", version)


def _memory() -> Finding:
    lines = Path("/proc/meminfo").read_text().splitlines()
    free = next(int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable"))
    if free < MEMORY_MB:
        return warn("memory", f"{free} MB available", "close something: the stack needs 600 MB")
    return ok("memory", f"{free} MB available")


def _home(home: Home) -> Iterator[Finding]:
    if not home.root.is_dir():
        yield ok("home", f"{home.root} will be made by the first `./cf up`")
        return
    about = home.root.stat()
    if about.st_uid != os.geteuid():
        yield bad("home", f"{home.root} belongs to another user", "choose one with --home DIR")
    elif stat.S_IMODE(about.st_mode) & 0o077:
        yield bad("home", f"others may look into {home.root}", f"chmod 700 {home.root}")
    else:
        yield ok("home", str(home.root))


def _disk(home: Home) -> Finding:
    there = next(each for each in (home.root, *home.root.parents) if each.exists())
    free = shutil.disk_usage(there).free // 1024**2
    if free < NEEDED_MB:
        return bad(
            "disk", f"{free} MB free at {there}", "free some: recordings and streams need it"
        )
    return ok("disk", f"{free} MB free")


def _voice() -> Finding:
    from callfunnel.infra.speech import SpeechFailed, speak_once

    try:
        samples = speak_once("one two three").samples
    except SpeechFailed as problem:
        return bad(
            "speech", f"the demo agent has no voice ({problem})", "see requirements/README.md"
        )
    return ok("speech", f"a sentence of {samples / 8_000:.1f} s was spoken")
