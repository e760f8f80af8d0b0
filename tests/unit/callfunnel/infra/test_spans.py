"""Spans are made of sampled traces only, each in its place of the tree."""

import pytest

from callfunnel.infra.spans import OFF, Span, Tracer
from callfunnel.infra.trace import (
    call_context,
    child_named,
    current_traceparent,
    is_sampled,
    new_traceparent,
    span_id,
    trace_id,
)

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = SAMPLED[:-2] + "00"


class Kept:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def put(self, span: Span) -> None:
        self.spans.append(span)


def test_a_block_is_a_child_and_what_it_sends_is_below_it() -> None:
    kept = Kept()
    with Tracer(kept).span("seal record", SAMPLED, tenant="demo") as about:
        inside = current_traceparent()
        about["missing"] = 1
    (span,) = kept.spans
    assert (span.parent, trace_id(span.context)) == (span_id(SAMPLED), trace_id(SAMPLED))
    assert inside == span.context
    assert span.attributes == {"tenant": "demo", "missing": 1}
    assert span.end_ns >= span.start_ns


def test_a_block_that_fails_says_with_what_and_no_more() -> None:
    kept = Kept()
    with pytest.raises(ValueError, match="4111"), Tracer(kept).span("rate call", SAMPLED):
        raise ValueError("4111 1111 1111 1111")
    assert kept.spans[0].error == "ValueError"
    assert "4111" not in str(kept.spans[0])


@pytest.mark.parametrize("of", [UNSAMPLED, "", "nonsense", SAMPLED + "1"])
def test_what_is_not_sampled_makes_no_span_and_still_has_its_trace(of: str) -> None:
    kept = Kept()
    with Tracer(kept).span("rate call", of):
        assert current_traceparent() == (of if of == UNSAMPLED else "")
    assert kept.spans == []


def test_a_batch_links_each_sampled_call_once_and_has_a_trace_of_its_own() -> None:
    kept = Kept()
    others = [new_traceparent(1.0) for _ in range(100)]
    Tracer(kept).batch("process timeline", 1, [SAMPLED, SAMPLED, UNSAMPLED, "", *others])
    (span,) = kept.spans
    assert span.links[0] == SAMPLED
    assert len(span.links) == 64
    assert span.attributes["calls"] == 101
    assert trace_id(span.context) not in {trace_id(each) for each in [SAMPLED, *others]}


def test_a_batch_without_a_sampled_call_makes_no_span() -> None:
    kept = Kept()
    Tracer(kept).batch("process timeline", 1, [UNSAMPLED])
    assert kept.spans == []


def test_a_process_without_a_sink_samples_no_call() -> None:
    assert not OFF.on
    assert not is_sampled(OFF.begin())
    assert is_sampled(Tracer(Kept()).begin())


def test_about_the_wanted_share_of_the_calls_is_sampled() -> None:
    tracer = Tracer(Kept(), 0.25)
    sampled = sum(is_sampled(tracer.begin()) for _ in range(4000))
    assert 850 < sampled < 1150  # five standard deviations
    assert not any(is_sampled(new_traceparent(0.0)) for _ in range(100))
    assert all(is_sampled(new_traceparent(1.0)) for _ in range(100))


def test_every_process_means_the_same_span_by_a_name() -> None:
    call = call_context(SAMPLED)
    assert call == call_context(SAMPLED)
    assert child_named(call, "turn 1") == child_named(SAMPLED, "turn 1") != call
    assert call_context("") != call_context("")
