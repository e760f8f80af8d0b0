"""W3C trace context: begun where a call enters, carried through every message, in pins and spools.

A trace context is the text `00-<trace>-<span>-<flags>`. Whether a call is sampled is decided once,
from its trace id, and written into the flags; every other process reads it there.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_FORM = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_CURRENT: ContextVar[str] = ContextVar("traceparent", default="")
_UPPER_HALF = 1 << 64
_ODD = frozenset("13579bdf")


def new_traceparent(share: float = 0.0) -> str:
    """The root of a new trace; of all traces about `share` (0 to 1) are sampled."""
    trace = os.urandom(16).hex()
    flags = "01" if int(trace[16:], 16) < share * _UPPER_HALF else "00"
    return f"00-{trace}-{os.urandom(8).hex()}-{flags}"


def child_of(traceparent: str) -> str:
    """The same trace with a new span; a new trace, not sampled, when `traceparent` is none."""
    if not _FORM.fullmatch(traceparent):
        return new_traceparent()
    return f"{traceparent[:36]}{os.urandom(8).hex()}{traceparent[52:]}"


def child_named(traceparent: str, name: str) -> str:
    """The same trace with the span of that name: every process that names it means the same span.

    So a successor can tell the span that its predecessor began, and others can point to it.
    """
    if not _FORM.fullmatch(traceparent):
        return new_traceparent()
    span = hashlib.blake2b(f"{traceparent[3:35]} {name}".encode(), digest_size=8).hexdigest()
    return f"{traceparent[:36]}{span}{traceparent[52:]}"


def call_context(traceparent: str) -> str:
    """The span of a call itself, below the request that offered it: `traceparent` of its pin."""
    return child_named(traceparent, "call")


def is_context(text: str) -> bool:
    """Whether this is a trace context: a pin from before calls were traced holds none."""
    return _FORM.fullmatch(text) is not None


def is_sampled(traceparent: str) -> bool:
    """Whether spans of this trace are to be exported; False for what is no trace context."""
    return traceparent[-1:] in _ODD and _FORM.fullmatch(traceparent) is not None


def trace_id(traceparent: str) -> str:
    """The trace's id, 32 hexadecimal digits."""
    return traceparent[3:35]


def span_id(traceparent: str) -> str:
    """The span's id, 16 hexadecimal digits."""
    return traceparent[36:52]


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
