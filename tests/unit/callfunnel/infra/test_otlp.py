"""The way to the collector: what arrives, and that nobody waits when it does not."""

import asyncio
import subprocess
import sys

import msgspec

from callfunnel.infra.otlp import OtlpSink
from callfunnel.infra.spans import Moment, Span
from callfunnel.infra.trace import new_traceparent, span_id, trace_id
from tests.simulators.otlp_collector import collecting
from tests.simulators.waiting import until

ROOT = new_traceparent(1.0)


def span(n: int = 0) -> Span:
    return Span(
        name="turn",
        context=new_traceparent(1.0),
        parent="b7ad6b7169203331",
        start_ns=1_000,
        end_ns=5_000,
        attributes={"tenant": "demo", "turn": n, "cause": "x" * 1000, "route": "/v1"},
        moments=(Moment("played", 4_000),),
        links=(ROOT,),
        error="failed",
    )


async def test_a_span_arrives_as_it_was_told() -> None:
    with collecting() as collector:
        sink = OtlpSink(collector.url + "/", "media-12")
        told = span(7)
        sink.put(told)
        await sink.close()
    (seen,) = collector.spans
    assert (seen.service, seen.process) == ("callfunnel-media", "media-12")
    assert (seen.name, seen.trace, seen.id) == (
        "turn",
        trace_id(told.context),
        span_id(told.context),
    )
    assert (seen.parent, seen.start_ns, seen.end_ns) == ("b7ad6b7169203331", 1_000, 5_000)
    assert seen.attributes == {
        "callfunnel.tenant": "demo",
        "callfunnel.turn": 7,
        "callfunnel.cause": "x" * 128,
        "http.route": "/v1",
    }
    assert seen.events == (("played", 4_000),)
    assert seen.links == (trace_id(ROOT),)
    assert seen.error == "failed"
    assert sink.counts.exported == 1


async def test_a_link_to_a_call_that_was_never_traced_is_left_out() -> None:
    with collecting() as collector:
        sink = OtlpSink(collector.url, "gateway-1")
        sink.put(msgspec.structs.replace(span(), links=("", ROOT)))
        await until(lambda: sink.counts.exported == 1, "the span is sent")
        await sink.close()
    assert [seen.links for seen in collector.spans] == [(trace_id(ROOT),)]


async def test_a_span_that_cannot_be_told_is_counted_and_the_next_is_told() -> None:
    with collecting() as collector:
        sink = OtlpSink(collector.url, "gateway-1")
        sink.put(msgspec.structs.replace(span(), context="no context"))
        await until(lambda: sink.counts.refused == 1, "the odd one is counted")
        sink.put(span())
        await until(lambda: sink.counts.exported == 1, "the next is taken")
        await sink.close()


async def test_many_spans_leave_in_small_groups() -> None:
    with collecting() as collector:
        sink = OtlpSink(collector.url, "media-1")
        for n in range(300):
            sink.put(span(n))
        await sink.close()
    assert [seen.attributes["callfunnel.turn"] for seen in collector.spans] == list(range(300))
    assert collector.requests >= 300 / 64


async def test_a_collector_that_hangs_costs_a_bounded_queue_and_is_counted() -> None:
    with collecting() as collector:
        collector.go_on.clear()
        sink = OtlpSink(collector.url, "media-1", most_waiting=100)
        sink.put(span())
        await until(lambda: collector.requests > 0, "the collector holds a request")
        for n in range(1000):
            sink.put(span(n))
        assert sink.counts.dropped == 900
        collector.go_on.set()
        await until(lambda: sink.counts.exported == 101, "what was kept is sent afterwards")
        await sink.close()


async def test_a_collector_that_answers_errors_is_counted_and_asked_again() -> None:
    with collecting() as collector:
        collector.status = 400
        sink = OtlpSink(collector.url, "media-1")
        sink.put(span())
        await until(lambda: sink.counts.refused == 1, "the refusal is counted")
        collector.status = 200
        sink.put(span())
        await until(lambda: sink.counts.exported == 1, "the next is taken")
        await sink.close()


async def test_a_process_that_ends_waits_for_no_collector() -> None:
    with collecting() as collector:
        url = collector.url
    sink = OtlpSink(url, "media-1")
    for n in range(500):
        sink.put(span(n))
    loop = asyncio.get_running_loop()
    began = loop.time()
    await sink.close(0.5)
    assert loop.time() - began < 5
    await until(lambda: sum(_fates(sink)) >= 500, "every span is accounted for")


def _fates(sink: OtlpSink) -> tuple[int, int, int]:
    return sink.counts.exported, sink.counts.dropped, sink.counts.refused


def test_neither_sdk_nor_exporter_is_loaded_where_tracing_is_off() -> None:
    program = """
import sys
import callfunnel.infra.service, callfunnel.infra.otlp, gateway.__main__, workers.media.__main__
import workers.conductor.service, workers.persistence.service, workers.billing.service
loaded = ("opentelemetry.sdk", "opentelemetry.exporter")
print(sorted(name for name in sys.modules if name.startswith(loaded)))
"""
    command = [sys.executable, "-c", program]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
