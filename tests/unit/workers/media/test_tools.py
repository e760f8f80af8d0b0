"""A call's errands: every tool is answered, every decision arrives, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from callfunnel.domain.call import Cause, EndedBy
from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.domain.ids import TenantId
from callfunnel.events.approval import ApprovalClosed
from callfunnel.events.envelope import Envelope, Event
from callfunnel.events.message import Message
from callfunnel.events.requests import RunTool, ToolOutcome
from callfunnel.infra.bus import Received, Unanswered
from tests.simulators import virtual_time
from tests.simulators.room import CALL, TENANT, spec
from workers.media.core import inputs, outputs
from workers.media.tools import BusErrands

WANTED = outputs.RunTool("tc_1", "find_customer", {"name": "Ann"}, 2_000)
CLOSED = ApprovalClosed(
    call=CALL, tool_call="tc_1", decision="approved", by="boss", via="api", result={"ok": True}
)


class FakeBus:
    """Answers requests in turn with `answers`: an outcome, an exception, or None for silence."""

    def __init__(self, *answers: ToolOutcome | Exception | None) -> None:
        self.answers = list(answers)
        self.asked: list[RunTool] = []
        self.stored: ApprovalClosed | None = None
        self.down = False
        self.listener: Callable[[Received[ApprovalClosed]], Awaitable[None]] | None = None
        self.unsubscribed = 0

    async def request(
        self, data: Message, reply: type[Any], *, tenant: TenantId, key: str, timeout: float
    ) -> Any:
        assert isinstance(data, RunTool)
        assert (tenant, key, reply) == (TENANT, CALL, ToolOutcome)
        self.asked.append(data)
        answer = self.answers.pop(0) if self.answers else None
        if answer is None:
            await asyncio.sleep(timeout)
            raise Unanswered("no answer in time")
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def subscribe(
        self,
        message: type[Message],
        listener: Callable[[Received[ApprovalClosed]], Awaitable[None]],
        *,
        tenant: str,
        key: str,
    ) -> "FakeBus":
        if self.down:
            raise RuntimeError("the connection is closed")
        self.listener = listener
        return self

    async def unsubscribe(self) -> None:
        self.unsubscribed += 1

    async def last(
        self, message: type[Message], tenant: TenantId, key: str
    ) -> Event[ApprovalClosed] | None:
        if self.down:
            raise Temporary("the bus does not answer")
        envelope = Envelope(id="m", tenant=tenant, key=key, time="")
        return Event(envelope, self.stored) if self.stored else None


class FakeRegistry:
    """Concludes after `delay_s`."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self.delay_s = delay_s
        self.concluded: list[tuple[Cause, str]] = []

    def conclude(self, _spec: Any, _epoch: int, cause: Cause, dial: str) -> "asyncio.Task[bool]":
        async def later() -> bool:
            await asyncio.sleep(self.delay_s)
            self.concluded.append((cause, dial))
            return True

        return asyncio.get_running_loop().create_task(later())


def errands(bus: FakeBus, registry: FakeRegistry | None = None) -> BusErrands:
    return BusErrands(spec(), 7, bus, registry or FakeRegistry())  # type: ignore[arg-type]


def told_after(bus: FakeBus, seconds: float) -> list[inputs.Input]:
    async def scenario() -> list[inputs.Input]:
        told: list[inputs.Input] = []
        errands(bus).run_tool(WANTED, told.append)
        await asyncio.sleep(seconds)
        return told

    return virtual_time.run(scenario())


def test_a_tool_is_asked_for_with_all_the_conductor_must_know() -> None:
    bus = FakeBus(ToolOutcome(outcome="done", result={"id": 1}))
    assert told_after(bus, 0.1) == [inputs.ToolAnswered("tc_1", "done", {"id": 1})]
    (asked,) = bus.asked
    assert (asked.tool, asked.arguments, asked.rulebook_version) == (
        "find_customer",
        {"name": "Ann"},
        3,
    )
    assert asked.caller == "+15550100002"
    assert asked.deadline_ms == 2_000


def test_a_pending_approval_comes_back_with_its_id_and_terms() -> None:
    pending = ToolOutcome(
        outcome="pending", approval="apr_1", expires_at="2026", limit="10", what="20 percent?"
    )
    (answer,) = told_after(FakeBus(pending), 0.1)
    assert answer == inputs.ToolAnswered(
        "tc_1", "pending", {}, approval="apr_1", expires_at="2026", limit="10", what="20 percent?"
    )


def test_a_conductor_that_is_being_restarted_is_asked_again_with_what_time_is_left() -> None:
    bus = FakeBus(
        Unanswered("nobody answers"), Unanswered("nobody answers"), ToolOutcome(outcome="done")
    )
    (answer,) = told_after(bus, 1.0)
    assert isinstance(answer, inputs.ToolAnswered)
    assert answer.outcome == "done"
    deadlines = [asked.deadline_ms for asked in bus.asked]
    assert deadlines == sorted(deadlines, reverse=True)
    assert len({asked.tool_call for asked in bus.asked}) == 1


def test_a_conductor_that_never_answers_is_a_failure_by_the_deadline() -> None:
    (answer,) = told_after(FakeBus(), 2.5)
    assert answer == inputs.ToolAnswered("tc_1", "failed", {"error": "no answer in time"})


def test_a_refusal_is_an_answer() -> None:
    (answer,) = told_after(FakeBus(Permanent("no such tool")), 0.1)
    assert answer == inputs.ToolAnswered("tc_1", "failed", {"error": "no such tool"})


def test_nothing_is_told_after_the_call_is_over() -> None:
    async def scenario() -> list[inputs.Input]:
        told: list[inputs.Input] = []
        made = errands(FakeBus())
        made.run_tool(WANTED, told.append)
        made.watch_approval(outputs.WatchApproval("apr_1", ""), told.append)
        await asyncio.sleep(0.5)
        made.stop()
        await asyncio.sleep(10)
        return told

    assert virtual_time.run(scenario()) == []


async def decided(bus: FakeBus, after_s: float, live: bool) -> list[inputs.Input]:
    told: list[inputs.Input] = []
    errands(bus).watch_approval(outputs.WatchApproval("apr_1", ""), told.append)
    await asyncio.sleep(after_s)
    if live and bus.listener is not None:
        envelope = Envelope(id="m", tenant=TENANT, key="apr_1", time="")
        await bus.listener(Received(envelope, CLOSED, 1))
        await bus.listener(Received(envelope, msgspec.structs.replace(CLOSED, by="late"), 1))
        await asyncio.sleep(0.01)
    bus.stored = CLOSED
    return told


DECIDED = [inputs.ApprovalClosed("apr_1", "approved", "boss", "api", {"ok": True})]


def test_a_decision_heard_live_arrives_at_once_and_once() -> None:
    bus = FakeBus()
    assert virtual_time.run(decided(bus, 30, live=True)) == DECIDED
    assert bus.unsubscribed == 1


def test_a_decision_made_before_anyone_listened_is_read() -> None:
    bus = FakeBus()
    bus.stored = CLOSED
    assert virtual_time.run(decided(bus, 0.1, live=False)) == DECIDED


def test_a_decision_missed_in_an_outage_is_found_when_the_bus_is_back() -> None:
    async def scenario() -> list[inputs.Input]:
        bus = FakeBus()
        bus.down = True
        told = await decided(bus, 20, live=False)
        assert told == []
        bus.down = False
        await asyncio.sleep(6)
        return told

    assert virtual_time.run(scenario()) == DECIDED


def test_the_socket_waits_for_the_registry_but_not_for_long() -> None:
    async def scenario(delay_s: float) -> tuple[float, list[tuple[Cause, str]]]:
        registry = FakeRegistry(delay_s)
        loop = asyncio.get_running_loop()
        began = loop.time()
        end = outputs.End(Cause.TRANSFERRED, EndedBy.AGENT, 1000, True)
        await errands(FakeBus(), registry).ended(end, "+15550100009")
        waited = loop.time() - began
        await asyncio.sleep(10)
        return waited, registry.concluded

    told = [(Cause.TRANSFERRED, "+15550100009")]
    assert virtual_time.run(scenario(0.1))[0] < 0.2
    waited, concluded = virtual_time.run(scenario(5.0))
    assert 1.9 < waited < 2.1
    assert concluded == told
