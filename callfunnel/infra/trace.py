"""W3C trace context: carried through every message, started where a call enters."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_FORM = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_CURRENT: ContextVar[str] = ContextVar("traceparent", default="")


def new_traceparent() -> str:
    """The root of a new trace, sampled."""
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"


def child_of(traceparent: str) -> str:
    """The same trace with a new span; a new trace when `traceparent` is none."""
    if not _FORM.fullmatch(traceparent):
        return new_traceparent()
    return f"{traceparent[:36]}{os.urandom(8).hex()}{traceparent[52:]}"


def current_traceparent() -> str:
    """The trace context of what is being handled, or ""."""
    return _CURRENT.get()


@contextmanager
def tracing(traceparent: str) -> Iterator[None]:
    """Within the block, `traceparent` is the current context."""
    token = _CURRENT.set(traceparent if _FORM.fullmatch(traceparent) else "")
    try:
        yield
    finally:
        _CURRENT.reset(token)
