"""What calls come to, as metrics: bounded, however many calls of however many tenants."""

from msgspec.structs import replace

from callfunnel.domain.call import Cause, EndedBy
from callfunnel.domain.ids import CallId, TenantId
from callfunnel.events import call as facts
from callfunnel.events.message import Message
from callfunnel.infra.clock import utc_now
from callfunnel.infra.telemetry import Telemetry
from tests.simulators.room import Told, spec
from workers.media.measures import Measures
from workers.media.report import Reporter

TURN = facts.TurnMeasured(
    turn=1, speech_end_ms=100, committed_ms=400, model_ms=450, sent_ms=460, played_ms=600
)


def told(telemetry: Telemetry, calls: int) -> None:
    """So many calls of a tenth as many tenants, each with something no other has."""
    measures = Measures(telemetry)
    for n in range(calls):
        tenant = TenantId(f"t{n % (calls // 10)}")
        call = replace(spec(), call=CallId(f"c_{n}"), tenant=tenant)
        reporter = Reporter(call, Told(), utc_now, witnesses=[measures])
        for fact in (TURN, *strange(n)):
            reporter.fact(fact)
        reporter.end(ended(list(Cause)[n % len(Cause)]))


def strange(n: int) -> list[Message]:
    return [
        facts.ToolReturned(tool_call="x", tool=f"t{n}", outcome=f"o{n}", result={}, duration_ms=1),
        facts.ApprovalDecided(approval="a", tool_call="x", decision=f"d{n}", by=f"p{n}", via="api"),
        facts.ModelLost(provider=f"provider-{n}", reason=f"reason {n}"),
    ]


def ended(cause: Cause) -> facts.CallEnded:
    return facts.CallEnded(
        cause=cause,
        by=EndedBy.CALLER,
        duration_ms=1,
        last_seq=0,
        segments=0,
        usage_records=0,
        answered=True,
    )


def series(telemetry: Telemetry) -> set[str]:
    lines = telemetry.render().decode().splitlines()
    return {line.rpartition(" ")[0] for line in lines if line.startswith("callfunnel_")}


def test_five_hundred_calls_of_fifty_tenants_make_as_many_series_as_twenty() -> None:
    few, many = Telemetry(), Telemetry()
    told(few, 20)
    told(many, 500)
    assert series(many) == series(few)
    assert len(series(many)) < 120
    assert not any("t4" in line or "c_" in line for line in series(many))


def test_each_stage_of_a_turn_is_measured_from_the_one_before() -> None:
    telemetry = Telemetry()
    Measures(telemetry).fact(TURN)
    text = telemetry.render().decode()
    stages = {"endpoint": 0.3, "model": 0.05, "send": 0.01, "play": 0.14, "response": 0.36}
    for stage, seconds in stages.items():
        assert f'callfunnel_turn_seconds_sum{{stage="{stage}"}} {seconds}' in text


def test_a_mark_that_never_came_is_not_measured() -> None:
    telemetry = Telemetry()
    Measures(telemetry).fact(facts.TurnMeasured(turn=1, speech_end_ms=1, committed_ms=5))
    assert {line for line in series(telemetry) if "_count" in line} == {
        'callfunnel_turn_seconds_count{stage="endpoint"}'
    }
