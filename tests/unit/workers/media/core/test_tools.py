"""Tool calls: asked once, answered once, told together."""

from callfunnel.domain.rulebook import Tool
from workers.media.core.tools import LATE_S, Tools

LOOKUP = Tool(name="look_up", kind="x", description="", parameters={}, deadline_ms=1000)


def test_the_first_answer_stays() -> None:
    tools = Tools()
    call = tools.ask("m1", "look_up", {}, 0.0)
    assert call is not None
    tools.answer(call, "expired")
    tools.answer(call, "done", result={"late": True})
    assert call.output == {"status": "expired"}


def test_a_call_expires_a_little_after_the_conductor_should_have_answered() -> None:
    tools = Tools()
    call = tools.ask("m1", "look_up", {}, 0.0)
    assert call is not None
    tools.run(call, LOOKUP)
    assert tools.deadline() == 1.0 + LATE_S
    assert tools.expired(1.0) == []
    assert tools.expired(1.0 + LATE_S) == [call]


def test_a_batch_is_collected_once_in_the_order_of_its_calls() -> None:
    tools = Tools()
    first, second = tools.ask("m1", "a", {}, 0.0), tools.ask("m2", "b", {}, 0.0)
    assert first is not None
    assert second is not None
    tools.answer(second, "done")
    assert tools.collect() == []
    tools.answer(first, "done")
    assert tools.collect() == [first, second]
    assert tools.collect() == []


def test_what_is_abandoned_is_fenced_and_answered_by_nobody_later() -> None:
    tools = Tools()
    call = tools.ask("m1", "a", {}, 0.0)
    assert call is not None
    assert tools.abandon() == [call]
    tools.answer(call, "done")
    assert call.output == {"status": "fenced"}
    assert tools.abandon() == []
