"""Spans: what took how long in a call's trace, recorded as plain values and handed to a sink.

A name is a template and never holds an id, a number or a word of a caller. What a span may say
besides is the list `Attributes`: ids of calls and tenants, and words and counts of our own. Spans
of calls that are not sampled are not made.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal, Protocol, TypedDict, Unpack

import msgspec

from callfunnel.events.envelope import Event
from callfunnel.infra.clock import unix_ns
from callfunnel.infra.trace import (
    child_of,
    is_sampled,
    new_traceparent,
    span_id,
    trace_id,
    tracing,
)

Kind = Literal["internal", "server", "client", "consumer"]
MOST_LINKS: Final = 64
MOST_EVENTS: Final = 64


class Attributes(TypedDict, total=False):
    """All that a span may say about itself."""

    tenant: str
    call: str
    channel: str
    direction: str
    outcome: str
    cause: str
    ended_by: str
    answered: bool
    provider: str
    model: str
    tool: str
    durable: str
    destination: str
    method: str
    route: str
    status: int
    turn: int
    turns: int
    tools: int
    interruptions: int
    duration_ms: int
    response_ms: int
    messages: int
    calls: int
    missing: int
    delivered: int


class Moment(msgspec.Struct, frozen=True):
    """Something that happened within a span."""

    name: str
    at_ns: int


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A span that is over. `parent`: the id of the span above, "" for the root of the trace.

    `links` are trace contexts of other traces; `error` a stable word, "" if it went well.
    """

    name: str
    context: str
    parent: str = ""
    kind: Kind = "internal"
    start_ns: int
    end_ns: int
    attributes: Mapping[str, object] = {}
    moments: tuple[Moment, ...] = ()
    links: tuple[str, ...] = ()
    error: str = ""


class Sink(Protocol):
    """Where spans go. `put` neither waits nor raises."""

    def put(self, span: Span) -> None: ...


class Tracer:
    """Makes the spans of one process. Without a sink it makes none, and samples no call."""

    def __init__(self, sink: Sink | None = None, share: float = 1.0) -> None:
        self._sink = sink
        self._share = share if sink is not None else 0.0

    @property
    def on(self) -> bool:
        """Whether anything is recorded at all."""
        return self._sink is not None

    def begin(self) -> str:
        """The context of a new call's root span, with the decision whether it is sampled."""
        return new_traceparent(self._share)

    def wants(self, traceparent: str) -> bool:
        """Whether spans of this trace are recorded here."""
        return self._sink is not None and is_sampled(traceparent)

    def tell(self, span: Span) -> None:
        """Hands over a span whose times are known."""
        if self._sink is not None and is_sampled(span.context):
            self._sink.put(span)

    @contextmanager
    def span(
        self, name: str, of: str, kind: Kind = "internal", **about: Unpack[Attributes]
    ) -> Iterator[Attributes]:
        """Records the block as a child of the trace context `of`, which is current within.

        What the block adds to the yielded attributes is told, too; an exception is told by type.
        """
        if not self.wants(of):
            with tracing(of):
                yield about
            return
        context, began, clock = child_of(of), unix_ns(), time.monotonic_ns()
        error = ""
        try:
            with tracing(context):
                yield about
        except BaseException as raised:
            error = type(raised).__name__
            raise
        finally:
            self.tell(
                Span(
                    name=name,
                    context=context,
                    parent=span_id(of),
                    kind=kind,
                    start_ns=began,
                    end_ns=began + time.monotonic_ns() - clock,
                    attributes=dict(about),
                    error=error,
                )
            )

    def told(self, name: str, began_ns: int, news: Iterable[Event[Any]]) -> None:
        """One span in the trace of each call that `news` tells of: what was done for it, until now.

        For work that is done for many calls in one step.
        """
        for item in news if self._sink is not None else ():
            envelope = item.envelope
            if is_sampled(envelope.traceparent):
                span = Span(
                    name=name,
                    context=child_of(envelope.traceparent),
                    parent=span_id(envelope.traceparent),
                    start_ns=began_ns,
                    end_ns=unix_ns(),
                    attributes={"tenant": envelope.tenant, "call": envelope.key},
                )
                self.tell(span)

    def batch(
        self, name: str, began_ns: int, contexts: Iterable[str], **about: Unpack[Attributes]
    ) -> None:
        """Tells that something was done, until now, for several calls at once.

        The span is a trace of its own with one link to each sampled call, 64 at most; without any
        there is no span.
        """
        if self._sink is None:
            return
        calls = {trace_id(each): each for each in contexts if is_sampled(each)}
        if calls:
            links = tuple(calls.values())[:MOST_LINKS]
            span = Span(
                name=name,
                context=new_traceparent(1.0),
                kind="consumer",
                start_ns=began_ns,
                end_ns=unix_ns(),
                attributes={**about, "calls": len(calls)},
                links=links,
            )
            self._sink.put(span)


OFF: Final = Tracer()
