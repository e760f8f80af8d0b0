"""The root of a call's trace: the request that offered it, from its first byte to its answer.

A trace begins here and nowhere else: what a caller of the API sends as `traceparent` is not
believed, for it would decide what we record. A repeated webhook has a trace of its own, with a
link to the call's.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from callfunnel.domain.call import Pin
from callfunnel.infra.clock import unix_ns
from callfunnel.infra.spans import Attributes, Span, Tracer
from callfunnel.infra.trace import tracing
from gateway.offers import is_refused


@dataclass
class Entry:
    """A request that offers a call. `pin`: what it came to, once that is known."""

    traceparent: str
    pin: Pin | None = None


@contextmanager
def call_entering(request: Request, tracer: Tracer) -> Iterator[Entry]:
    """Within the block a call is admitted; it has a new trace, which is current."""
    entry = Entry(tracer.begin())
    request.state.entry = entry
    with tracing(entry.traceparent):
        yield entry


def entered(tracer: Tracer) -> Callable[[Mapping[str, Any], Mapping[str, Any]], None]:
    """Tells the root span of each call that an exchange brought in."""

    def told(state: Mapping[str, Any], words: Mapping[str, Any]) -> None:
        entry = state.get("entry")
        if entry is not None and entry.pin is not None and tracer.on:
            tracer.tell(_span(entry, entry.pin, state["began_ns"], words))

    return told


def _span(entry: Entry, pin: Pin, began_ns: int, words: Mapping[str, Any]) -> Span:
    first = pin.spec.traceparent == entry.traceparent
    about = Attributes(
        outcome=_outcome(pin, first),
        method=words["method"],
        route=words["path_template"],
        status=words["status"],
    )
    if first:
        about["tenant"], about["call"] = pin.tenant, pin.call
        about["channel"] = pin.spec.channel.value
    return Span(
        name=f"{words['method']} {words['path_template']}",
        context=entry.traceparent,
        kind="server",
        start_ns=began_ns,
        end_ns=unix_ns(),
        attributes=about,
        links=() if first else (pin.spec.traceparent,),
    )


def _outcome(pin: Pin, first: bool) -> str:
    if not first:
        return "repeated"
    return pin.cause if is_refused(pin) else "admitted"
