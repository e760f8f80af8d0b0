"""The wall clock and randomness, in the forms that messages need. Nothing pure may import this."""

import os
import time
from datetime import UTC, datetime

from callfunnel.domain.ids import new_id


def utc_now() -> str:
    """Now, as RFC 3339 UTC with microseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def unix_ms() -> int:
    """Now, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def fresh_id(prefix: str) -> str:
    """A new id with this prefix; ids made later sort later."""
    return new_id(prefix, unix_ms(), os.urandom(10))
