"""The wall clock and randomness, in the forms that messages need. Nothing pure may import this.

A machine's clock may be set while a process runs. `follow` makes this process's clock jump on
demand, so that a test can show that nothing but the times in messages depends on it.
"""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from callfunnel.domain.ids import new_id

_jumps: Path | None = None


def follow(file: Path | None) -> None:
    """From now on this process's clock is off by the milliseconds that `file` holds, if it is."""
    global _jumps
    _jumps = file


def utc_now() -> str:
    """Now, as RFC 3339 UTC with microseconds."""
    return datetime.fromtimestamp(_now_ns() / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def unix_ms() -> int:
    """Now, in milliseconds since 1970."""
    return _now_ns() // 1_000_000


def unix_ns() -> int:
    """Now, in nanoseconds since 1970."""
    return _now_ns()


def unix_ns_of(time_: str) -> int:
    """An RFC 3339 time in nanoseconds since 1970, to the microsecond."""
    return round(datetime.fromisoformat(time_).timestamp() * 1_000_000) * 1000


def fresh_id(prefix: str) -> str:
    """A new id with this prefix; ids made later sort later."""
    return new_id(prefix, unix_ms(), os.urandom(10))


def _now_ns() -> int:
    now = time.time_ns()
    return now if _jumps is None else now + _jump_ms(_jumps) * 1_000_000


def _jump_ms(file: Path) -> int:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0
