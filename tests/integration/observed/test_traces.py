"""One trace per call over the whole product, seen by a collector as an operator's would see it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.simulators.otlp_collector import Collector, SeenSpan, tree
from tests.simulators.running_stack import RunningStack
from tests.simulators.waiting import eventually

CARD = "say:my card number is four one one one" + " one one one one" * 3
LOOK_UP = "say:why did my bill go up"
SHORT = ("--hangup-after", "8", "--json")
Story = dict[str, Any]


@pytest.fixture(scope="module")
def up(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    folder = tmp_path_factory.mktemp("traced")
    stack = RunningStack.start(folder, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    yield stack
    assert stack.stop() == 0


@pytest.fixture(scope="module")
def story(up: RunningStack, collector: Collector) -> Story:
    """A whole call with a tool and a card number; then one whose worker and consumers die."""
    call = up.call(LOOK_UP, CARD, *SHORT)["call"]
    eventually(lambda: collector.named(call, "seal record"), "the record's span")
    cut = up.begin("call", "say:hello", "--hangup-after", "60", "--json")
    lost = eventually(lambda: _newest(up, but=call), "the second call is there", 60)
    up.kill("media-1")
    up.kill("offpath")
    cut.terminate()
    cut.communicate(timeout=30)
    eventually(lambda: collector.named(lost, "seal record"), "the lost call's record", 60)
    return {"call": call, "lost": lost}


def _newest(up: RunningStack, *, but: str) -> str:
    """The id of a call that flows, other than that one."""
    calls = up.get("/v1/calls?limit=5") or {"items": []}
    return next((c["call"] for c in calls["items"] if c["call"] != but), "")


def refused(up: RunningStack) -> float:
    """Spans that the collector did not take from the media worker."""
    targets = {
        each["labels"]["process"]: each["targets"][0] for each in json.loads(up.run("targets"))
    }
    text = httpx.get(f"http://{targets['media-1']}/metrics", timeout=5).text
    found = re.search(r"^callfunnel_spans_refused_total (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def roots(spans: list[SeenSpan]) -> list[str]:
    known = {span.id for span in spans}
    return [span.name for span in spans if span.parent not in known]


def test_a_call_is_one_trace_below_the_webhook_that_offered_it(
    story: Story, collector: Collector
) -> None:
    spans = collector.of_call(story["call"])
    assert len({span.trace for span in spans}) == 1
    assert roots(spans) == ["POST /carriers/twilio/voice"], tree(spans)
    names = {span.name for span in spans}
    assert {"call", "turn", "tool", "store recording", "rate call", "seal record"} <= names
    assert {span.service for span in spans} >= {"callfunnel-gateway", "callfunnel-media"}
    assert {span.error for span in spans} == {""}


def test_the_record_is_sealed_within_the_trace(story: Story, collector: Collector) -> None:
    (call,) = collector.named(story["call"], "call")
    (seal,) = collector.named(story["call"], "seal record")
    assert seal.parent == call.id
    assert seal.start_ns >= call.end_ns


def test_a_tool_runs_below_its_call_in_another_process(story: Story, collector: Collector) -> None:
    spans = {span.name: span for span in collector.of_call(story["call"])}
    asked = spans["request cf.<tenant>.tool.<key>.run"]
    run = spans["answer cf.<tenant>.tool.<key>.run"]
    assert (asked.parent, run.parent) == (spans["tool"].id, asked.id)
    assert run.process != asked.process


def test_a_turn_says_when_the_model_spoke_and_when_the_caller_heard_it(
    story: Story, collector: Collector
) -> None:
    turns = collector.named(story["call"], "turn")
    assert any([name for name, _ in turn.events][-1:] == ["played"] for turn in turns)
    for turn in turns:
        assert turn.start_ns <= turn.end_ns
        assert [at for _, at in turn.events] == sorted(at for _, at in turn.events)


def test_batches_point_to_the_calls_in_them(story: Story, collector: Collector) -> None:
    (call,) = collector.named(story["call"], "call")
    batches = {span.name for span in collector.spans if call.trace in span.links}
    durables = ("redaction", "timeline", "recordings", "settlement", "metering-calls")
    assert batches >= {f"process {durable}" for durable in durables}


def test_no_name_holds_an_id_or_a_number(collector: Collector) -> None:
    names = {span.name for span in collector.spans} | {
        name for span in collector.spans for name, _ in span.events
    }
    assert len(names) < 40
    assert not [name for name in names if re.search(r"[0-9]|c_|demo|media-", name)]


def test_nothing_that_was_said_or_kept_secret_is_in_what_was_exported(
    up: RunningStack, story: Story, collector: Collector
) -> None:
    said = [fact["data"].get("text", "") for fact in up.facts(story["call"])]
    spoken = [text for text in said if len(text) > 12]
    carrier = up.ready["carrier"]
    secrets = [up.ready["api_token"], carrier["auth_token"], carrier["account_sid"]]
    exported = b"".join(collector.bodies)
    assert spoken
    assert not [word for word in [*spoken, *secrets] if word.encode() in exported]
    assert not re.search(rb"\+1555|4111|one one|bearer|/media/", exported, re.IGNORECASE)


def test_what_is_started_again_goes_on_in_the_same_trace(
    story: Story, collector: Collector
) -> None:
    spans = collector.of_call(story["lost"])
    assert roots(spans) == ["POST /carriers/twilio/voice"], tree(spans)
    (call,) = collector.named(story["lost"], "call")
    assert call.attributes["callfunnel.cause"] == "worker_lost"
    assert len({span.trace for span in spans}) == 1


def test_a_collector_that_is_gone_is_not_heard_and_what_is_lost_is_counted(
    up: RunningStack, collector: Collector, story: Story
) -> None:
    collector.status = 500
    before = len(collector.spans)
    report = up.call("say:hello", *SHORT)
    assert report["settled"]
    assert report["missing"] == []
    assert len(collector.spans) == before
    eventually(lambda: refused(up) > 0, "the loss is counted")
    collector.status = 200
