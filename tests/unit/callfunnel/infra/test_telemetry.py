"""Metrics have bounded labels, trace context is W3C's, and probes get a plain answer."""

import asyncio
from dataclasses import dataclass

import pytest

from callfunnel.infra.health import Health
from callfunnel.infra.telemetry import Telemetry
from callfunnel.infra.trace import child_of, current_traceparent, new_traceparent, tracing

ROOT_CONTEXT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class Stats:
    backlog: int = 3
    last_error: str = "text is no metric"


def test_an_unexpected_label_value_makes_no_new_series() -> None:
    telemetry = Telemetry()
    ends = telemetry.counter("calls_ended")
    ends.add(cause="silence")
    for n in range(100):
        ends.add(cause=f"c_{n}")

    text = telemetry.render().decode()
    assert 'callfunnel_calls_ended_total{cause="silence"} 1.0' in text
    assert 'callfunnel_calls_ended_total{cause="other"} 100.0' in text


def test_a_histogram_counts_up_to_each_bound() -> None:
    telemetry = Telemetry()
    lags = telemetry.histogram("loop_lag_seconds")
    for seconds in (0.0, 0.001, 0.002, 99.0):
        lags.add(seconds)

    text = telemetry.render().decode()
    assert 'callfunnel_loop_lag_seconds_bucket{le="0.001"} 2.0' in text
    assert 'callfunnel_loop_lag_seconds_bucket{le="0.0025"} 3.0' in text
    assert 'callfunnel_loop_lag_seconds_bucket{le="+Inf"} 4.0' in text
    assert "callfunnel_loop_lag_seconds_sum 99.003" in text


def test_what_is_watched_several_times_is_one_metric_with_a_label() -> None:
    telemetry = Telemetry()
    for durable in ("timeline", "metering"):
        telemetry.watch("consumer", lambda: {"acknowledged": 3}, durable=durable)

    text = telemetry.render().decode()
    assert text.count("# TYPE callfunnel_consumer_acknowledged_total counter") == 1
    assert 'callfunnel_consumer_acknowledged_total{durable="metering"} 3.0' in text


def test_watched_numbers_are_read_at_each_scrape() -> None:
    telemetry, stats = Telemetry(), Stats()
    telemetry.watch("spool", lambda: stats)
    stats.backlog = 7

    text = telemetry.render().decode()
    assert "callfunnel_spool_backlog 7.0" in text
    assert "last_error" not in text


def test_a_child_keeps_the_trace_and_changes_the_span() -> None:
    child = child_of(ROOT_CONTEXT)

    assert child[:36] == ROOT_CONTEXT[:36]
    assert child[36:52] != ROOT_CONTEXT[36:52]
    assert child.endswith("-01")


@pytest.mark.parametrize("broken", ["", "00-zz-1-01", ROOT_CONTEXT + "-x", "01-" + "0" * 52])
def test_a_broken_context_starts_a_new_trace(broken: str) -> None:
    fresh = child_of(broken)
    assert len(fresh) == 55
    with tracing(broken):
        assert current_traceparent() == ""


def test_a_context_holds_for_its_block_only() -> None:
    root = new_traceparent()
    with tracing(root):
        assert current_traceparent() == root
    assert current_traceparent() == ""


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /healthz HTTP/1.1", 200),
        ("GET /readyz?x=1 HTTP/1.1", 503),
        ("GET /metrics HTTP/1.1", 200),
        ("GET /etc/passwd HTTP/1.1", 404),
        ("POST /healthz HTTP/1.1", 405),
        ("nonsense", 400),
        ("GET /healthz HTTP/2", 400),
    ],
)
def test_a_probe_gets_a_status_and_a_body(request_line: str, status: int) -> None:
    health = Health(lambda: {"bus": False, "features": True}, Telemetry())

    answer = health.answer(f"{request_line}\r\n\r\n".encode())

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head


async def test_a_probe_over_a_socket_is_answered_and_garbage_harms_nothing() -> None:
    health = Health(lambda: {"bus": True}, Telemetry())
    port = await health.start()
    for sent in (b"\x00" * 20000, b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        answer = await reader.read()
        writer.close()
    assert b'{"ok":true,"checks":{"bus":true}}' in answer
    await health.stop()
