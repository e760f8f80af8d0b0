"""The spans of a call, read off its facts: what is in them, and what never is."""

from collections.abc import Iterator
from itertools import count

from msgspec.structs import replace

from callfunnel.domain.call import Cause, EndedBy
from callfunnel.events import call as facts
from callfunnel.events.message import Message
from callfunnel.infra.spans import Span, Tracer
from callfunnel.infra.trace import call_context, span_id
from tests.simulators.room import spec
from workers.media.spans import CallSpans, tool_span

ROOT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SPEC = replace(spec(), traceparent=ROOT)
MS = 1_000_000


class Kept:
    def __init__(self) -> None:
        self.spans: list[Span] = []

    def put(self, span: Span) -> None:
        self.spans.append(span)


def clock() -> Iterator[int]:
    """1 s, 2 s, 3 s ..."""
    return (n * 1000 * MS for n in count(1))


def spans_of(*told: Message, root: str = ROOT) -> list[Span]:
    kept, ticks = Kept(), clock()
    spans = CallSpans(Tracer(kept), replace(SPEC, traceparent=root), lambda: next(ticks), 500 * MS)
    for fact in told:
        spans.fact(fact)
    return kept.spans


CONNECTED = facts.CallConnected(codec="x", rulebook="a", rulebook_version=1, recorded=True)
ENDED = facts.CallEnded(
    cause=Cause.SILENCE,
    by=EndedBy.PLATFORM,
    duration_ms=9,
    last_seq=1,
    segments=0,
    usage_records=0,
    answered=True,
)


def called(which: str = "tc_1") -> facts.ToolCalled:
    return facts.ToolCalled(tool_call=which, tool="find", arguments={"card": "4111 1111"})


def returned(outcome: str = "done") -> facts.ToolReturned:
    return facts.ToolReturned(
        tool_call="tc_1", tool="find", outcome=outcome, result={"name": "Ann"}, duration_ms=5
    )


def test_the_call_is_below_the_request_that_offered_it() -> None:
    (span,) = spans_of(CONNECTED, ENDED)
    assert (span.name, span.parent) == ("call", span_id(ROOT))
    assert span.context == call_context(ROOT)
    assert span.start_ns == 500 * MS
    assert span.attributes["cause"] == "silence"
    assert [moment.name for moment in span.moments] == ["connected"]


def test_a_turn_runs_from_the_callers_last_sound_to_the_answer_heard() -> None:
    turn = facts.TurnMeasured(
        turn=3,
        speech_end_ms=100,
        committed_ms=400,
        model_ms=450,
        sent_ms=460,
        played_ms=600,
        response_ms=360,
    )
    (span,) = spans_of(CONNECTED, turn)
    assert (span.name, span.parent) == ("turn", span_id(call_context(ROOT)))
    assert (span.start_ns, span.end_ns) == (1100 * MS, 1600 * MS)
    assert [(moment.name, moment.at_ns // MS) for moment in span.moments] == [
        ("turn taken as over", 1400),
        ("model spoke", 1450),
        ("first frame sent", 1460),
        ("played", 1600),
    ]
    assert span.attributes["response_ms"] == 360


def test_a_turn_that_nobody_answered_ends_with_its_last_mark() -> None:
    (span,) = spans_of(CONNECTED, facts.TurnMeasured(turn=1, speech_end_ms=100, committed_ms=300))
    assert (span.start_ns, span.end_ns) == (1100 * MS, 1300 * MS)


def test_a_tools_span_is_the_one_its_request_is_below() -> None:
    (span,) = spans_of(called(), returned("failed"))
    assert span.context == tool_span(SPEC, "tc_1")
    assert (span.name, span.error, span.attributes["tool"]) == ("tool", "failed", "find")


def test_an_approval_lasts_until_somebody_decided() -> None:
    asked = facts.ApprovalRequested(
        approval="apr_1", tool_call="tc_1", what="25 %", limit="10 %", asked="25", expires_at=""
    )
    told = facts.ApprovalDecided(
        approval="apr_1", tool_call="tc_1", decision="approved", by="ann@example.com", via="api"
    )
    (span,) = spans_of(asked, told)
    assert (span.name, span.attributes["outcome"]) == ("approval", "approved")
    assert span.end_ns - span.start_ns == 1000 * MS


def test_nothing_that_was_said_or_looked_up_is_in_a_span() -> None:
    said = facts.CallerSpoke(turn=1, text="my name is Ann", start_ms=0, end_ms=1)
    lost = facts.ModelLost(provider="openai", reason="the caller said Ann")
    told = repr(spans_of(CONNECTED, said, called(), returned(), lost, ENDED))
    assert all(word not in told for word in ("Ann", "4111", SPEC.caller, SPEC.carrier_call_id))


def test_no_name_of_a_span_holds_an_id_or_a_number() -> None:
    spans = spans_of(
        CONNECTED, called(), returned(), facts.TurnMeasured(turn=1, speech_end_ms=1), ENDED
    )
    assert {span.name for span in spans} == {"call", "tool", "turn"}


def test_a_call_that_is_not_sampled_makes_none() -> None:
    assert spans_of(CONNECTED, called(), returned(), ENDED, root=ROOT[:-2] + "00") == []
