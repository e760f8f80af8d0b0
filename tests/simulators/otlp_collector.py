"""A collector of traces: a small HTTP server that decodes OTLP's protobufs as a real one would."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True)
class SeenSpan:
    """One exported span; ids as hexadecimal text."""

    service: str
    process: str
    name: str
    trace: str
    id: str
    parent: str
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    events: tuple[tuple[str, int], ...]
    links: tuple[str, ...]
    error: str

    @property
    def call(self) -> str:
        return str(self.attributes.get("callfunnel.call", ""))


@dataclass
class Collector:
    """What arrived. `status` is what it answers; `hold` keeps every request waiting while set."""

    url: str = ""
    status: int = 200
    bodies: list[bytes] = field(default_factory=list)
    spans: list[SeenSpan] = field(default_factory=list)
    requests: int = 0
    go_on: threading.Event = field(default_factory=threading.Event)

    def of_call(self, call: str) -> list[SeenSpan]:
        """The spans that name the call, and every other span of their traces."""
        traces = {span.trace for span in self.spans if span.call == call}
        return [span for span in self.spans if span.trace in traces]

    def named(self, call: str, name: str) -> list[SeenSpan]:
        return [span for span in self.of_call(call) if span.name == name]

    def take(self, body: bytes) -> None:
        self.bodies.append(body)
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            about = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [_seen(about, span) for span in scope.spans]


@contextmanager
def collecting(port: int = 0) -> Iterator[Collector]:
    """Collects on loopback until the block ends."""
    collector = Collector()
    collector.go_on.set()
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(collector))
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


def tree(spans: list[SeenSpan]) -> str:
    """One trace as indented text: name, length, attributes without ids, events."""
    begin = min(span.start_ns for span in spans)
    known = {span.id for span in spans}
    children: dict[str, list[SeenSpan]] = {}
    for span in sorted(spans, key=lambda each: each.start_ns):
        children.setdefault(span.parent if span.parent in known else "", []).append(span)
    return "\n".join(_lines(children, "", 0, begin))


def _lines(
    children: dict[str, list[SeenSpan]], parent: str, depth: int, begin: int
) -> Iterator[str]:
    for span in children.get(parent, []):
        start, length = (span.start_ns - begin) / 1e6, (span.end_ns - span.start_ns) / 1e6
        yield f"{'  ' * depth}{span.name}  [{span.service}]  at {start:.1f} ms, {length:.1f} ms"
        for name, at in span.events:
            yield f"{'  ' * depth}    . {name} +{(at - span.start_ns) / 1e6:.1f} ms"
        yield from _lines(children, span.id, depth + 1, begin)


def _seen(about: dict[str, str], span: Span) -> SeenSpan:
    return SeenSpan(
        service=about.get("service.name", ""),
        process=about.get("service.instance.id", ""),
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes={each.key: _value(each.value) for each in span.attributes},
        events=tuple((each.name, each.time_unix_nano) for each in span.events),
        links=tuple(each.trace_id.hex() for each in span.links),
        error=span.status.message,
    )


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))


def _handler(collector: Collector) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.requests += 1
            collector.go_on.wait()
            if collector.status == 200 and self.path == "/v1/traces":
                collector.take(body)
            self.send_response(collector.status if self.path == "/v1/traces" else 404)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler
