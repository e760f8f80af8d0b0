"""Spans on their way to a collector: OTLP over HTTP, from a thread of its own.

Nothing here ever holds up a call: `put` appends to a bounded queue or counts what it drops, and
the thread sends small groups, so that encoding them never takes the interpreter for long. What
the collector does not take within the exporter's time-out is counted and forgotten. The SDK is
imported by the thread, thus only where tracing is switched on; it reads the rest of its settings
(headers, certificates, compression, time-out) from the OTEL_EXPORTER_OTLP_* variables.
"""

import asyncio
import logging
import re
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec

from callfunnel.infra.spans import Span
from callfunnel.infra.trace import is_context, span_id, trace_id

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

log = logging.getLogger(__name__)

_AT_ONCE: Final = 64
"""Spans encoded in one go: 1.6 ms."""
_LINGER_S: Final = 0.25
_NAMES: Final = {
    "durable": "messaging.consumer.group.name",
    "destination": "messaging.destination.template",
    "messages": "messaging.batch.message_count",
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
}
"""Attributes that OpenTelemetry has a name for; the others are `callfunnel.<name>`."""
_LONGEST_VALUE: Final = 128


class SpanCounts(msgspec.Struct):
    """Since the start: what became of the spans."""

    exported: int = 0
    dropped: int = 0
    refused: int = 0


class OtlpSink:
    """Sends what is `put` to `endpoint`. `process` names the sender, such as media-1."""

    def __init__(self, endpoint: str, process: str, *, most_waiting: int = 2048) -> None:
        self.counts = SpanCounts()
        self._endpoint = endpoint.rstrip("/") + "/v1/traces"
        self._process = process
        self._most = most_waiting
        self._waiting: deque[Span] = deque()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._exporter: Any = None
        self._down = False
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def put(self, span: Span) -> None:
        """Queues a span, or drops it when too many wait."""
        if len(self._waiting) >= self._most:
            self.counts.dropped += 1
            return
        self._waiting.append(span)
        if not self._wake.is_set():
            self._wake.set()

    def current_counts(self) -> SpanCounts:
        """The counts, for whoever shows them."""
        return self.counts

    async def close(self, within_s: float = 2.0) -> None:
        """Sends what waits, for as long as that takes at most."""
        self._stopping.set()
        self._wake.set()
        await asyncio.to_thread(self._thread.join, within_s)
        if self._thread.is_alive() and self._exporter is not None:
            self._exporter.shutdown()  # ends its waiting between two tries
        self.counts.dropped += len(self._waiting)

    def _run(self) -> None:
        resource = self._open()
        while not (self._stopping.is_set() and not self._waiting):
            self._wake.wait()
            self._stopping.wait(_LINGER_S)
            self._wake.clear()
            while self._waiting and not (self._stopping.is_set() and self._down):
                count = min(_AT_ONCE, len(self._waiting))
                group = [self._waiting.popleft() for _ in range(count)]
                self._send(group, resource)
            if self._stopping.is_set() and self._down:
                return

    def _open(self) -> Any:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource

        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # `_send` says it, once
        self._exporter = OTLPSpanExporter(endpoint=self._endpoint)
        program = re.sub(r"-\d+$", "", self._process)
        return Resource.create(
            {"service.name": f"callfunnel-{program}", "service.instance.id": self._process}
        )

    def _send(self, group: list[Span], resource: Any) -> None:
        from opentelemetry.sdk.trace.export import SpanExportResult

        try:
            spans = [_readable(span, resource) for span in group]
            taken = self._exporter.export(spans) is SpanExportResult.SUCCESS
        except Exception as error:
            taken = False
            log.error("spans not sent", extra={"error": type(error).__name__})
        if taken:
            self.counts.exported += len(group)
        else:
            self.counts.refused += len(group)
        if taken is self._down:
            self._down = not taken
            if self._down:
                log.warning("the collector takes no spans")
            else:
                log.info("the collector takes spans again")


def _readable(span: Span, resource: Any) -> "ReadableSpan":
    """The span as the SDK's exporter wants it."""
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import Link, SpanKind, Status, StatusCode

    context = _context(span.context)
    parent = _context(span.context, span.parent) if span.parent else None
    status = Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET)
    return ReadableSpan(
        name=span.name,
        context=context,
        parent=parent,
        resource=resource,
        attributes=_attributes(span),
        events=[Event(each.name, {}, each.at_ns) for each in span.moments],
        links=[Link(_context(each)) for each in span.links if is_context(each)],
        kind=SpanKind[span.kind.upper()],
        status=status,
        start_time=span.start_ns,
        end_time=max(span.start_ns, span.end_ns),
    )


def _context(traceparent: str, span: str = "") -> Any:
    from opentelemetry.trace import SpanContext, TraceFlags

    trace, own = int(trace_id(traceparent), 16), int(span or span_id(traceparent), 16)
    return SpanContext(trace, own, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _attributes(span: Span) -> dict[str, Any]:
    told = {
        _NAMES.get(name, f"callfunnel.{name}"): value for name, value in span.attributes.items()
    }
    return {k: v[:_LONGEST_VALUE] if isinstance(v, str) else v for k, v in told.items()}
