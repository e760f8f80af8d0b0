"""Request-reply, feeds and single messages on a real server."""

import asyncio
from typing import Any

import pytest

from callfunnel.domain.errors import InvalidToken, Permanent, Temporary
from callfunnel.domain.ids import TenantId
from callfunnel.events.approval import ApprovalClosed
from callfunnel.events.envelope import Event
from callfunnel.events.requests import Accepted, DecideApproval, HangUp
from callfunnel.events.streams import APPROVALS
from callfunnel.infra.bus import Bus, Received, Unanswered, event
from callfunnel.infra.trace import current_traceparent, new_traceparent, tracing
from tests.integration.bus.nats_process import NatsProcess
from tests.simulators.waiting import until

DEMO = TenantId("demo")


def closed(decision: str) -> Event[Any]:
    data = ApprovalClosed(
        call="c_1", tool_call="tc_1", decision=decision, by="ann", via="api", result={}
    )
    return event(data, DEMO, "apr_1")


async def test_a_request_is_answered_with_the_trace_it_came_with(bus: Bus) -> None:
    traces: list[str] = []

    @bus.responder(HangUp, key="c_1")
    async def hang_up(request: Received[HangUp]) -> Accepted:
        traces.append(current_traceparent())
        return Accepted(ok=True, detail=f"{request.envelope.tenant} {request.data.by}")

    await bus.start()
    with tracing(new_traceparent()):
        root = current_traceparent()
        answer = await bus.request(HangUp(by="ann"), Accepted, tenant=DEMO, key="c_1")

    assert answer == Accepted(ok=True, detail="demo ann")
    assert traces == [root]


async def test_nobody_there_is_said_at_once(bus: Bus) -> None:
    started = asyncio.get_running_loop().time()
    with pytest.raises(Unanswered, match="nobody"):
        await bus.request(HangUp(by="ann"), Accepted, tenant=DEMO, key="c_2", timeout=5)
    assert asyncio.get_running_loop().time() - started < 1


async def test_a_slow_answer_is_not_waited_for(bus: Bus) -> None:
    go = asyncio.Event()

    async def slow(_: Received[HangUp]) -> Accepted:
        await go.wait()
        return Accepted(ok=True)

    await bus.serve(HangUp, slow)
    with pytest.raises(Unanswered, match="in time"):
        await bus.request(HangUp(by="ann"), Accepted, tenant=DEMO, key="c_1", timeout=0.1)
    go.set()


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (Permanent("no such call"), Permanent),
        (Temporary("full"), Temporary),
        (KeyError("secret detail"), Temporary),
    ],
)
async def test_a_failure_reaches_the_asker_as_one_of_the_two_kinds(
    bus: Bus, raised: Exception, seen: type[Exception]
) -> None:
    async def fail(_: Received[HangUp]) -> Accepted:
        raise raised

    await bus.serve(HangUp, fail)
    with pytest.raises(seen) as caught:
        await bus.request(HangUp(by="ann"), Accepted, tenant=DEMO, key="c_1")
    assert "secret detail" not in str(caught.value)


async def test_a_slow_request_holds_up_no_other(bus: Bus) -> None:
    go = asyncio.Event()

    async def answer(request: Received[DecideApproval]) -> Accepted:
        if request.data.by == "slow":
            await go.wait()
        return Accepted(ok=True)

    await bus.serve(DecideApproval, answer, queue="approvals")

    def ask(by: str) -> asyncio.Task[Accepted]:
        data = DecideApproval(decision="approved", by=by, via="api")
        return asyncio.create_task(bus.request(data, Accepted, tenant=DEMO, key="apr_1"))

    slow = ask("slow")
    assert (await ask("quick")).ok
    go.set()
    assert (await slow).ok


async def test_an_unsafe_key_reaches_no_subject(bus: Bus) -> None:
    with pytest.raises(InvalidToken):
        await bus.request(HangUp(by="ann"), Accepted, tenant=DEMO, key="c_1.*.>")


async def test_the_last_message_of_a_key_can_be_read_again(bus: Bus) -> None:
    assert await bus.last(ApprovalClosed, DEMO, "apr_1") is None
    await bus.publish(closed("refused"))
    await bus.publish(closed("approved"))

    found = await bus.last(ApprovalClosed, DEMO, "apr_1")
    assert found is not None
    assert found.data.decision == "approved"
    assert found.envelope.tenant == "demo"


async def test_a_listener_hears_what_is_published_while_it_listens(bus: Bus) -> None:
    heard: list[str] = []

    async def listen(item: Received[ApprovalClosed]) -> None:
        heard.append(item.data.decision)

    subscription = await bus.subscribe(ApprovalClosed, listen, tenant="demo", key="apr_1")
    await bus.publish(closed("approved"))
    await bus.publish(closed("expired"))

    await until(lambda: heard == ["approved", "expired"], "both")
    await subscription.unsubscribe()


async def test_a_feed_goes_on_where_it_was_after_the_server_was_killed(
    bus: Bus, server: NatsProcess
) -> None:
    await bus.publish(*(closed(str(n)) for n in range(3)))
    seen: list[tuple[int, str]] = []

    async def read() -> None:
        async for sequence, item in bus.follow(APPROVALS.name, "cf.demo.approval.*.*", after=1):
            seen.append((sequence, item.data.decision))

    reading = asyncio.create_task(read())
    await until(lambda: [d for _, d in seen] == ["1", "2"], "the rest of the past")
    server.kill()
    server.start()
    await bus.publish(closed("3"), within_s=20)
    await until(lambda: [d for _, d in seen] == ["1", "2", "3"], "the new one, once", 20)
    assert [s for s, _ in seen] == [2, 3, 4]
    reading.cancel()


async def test_publishing_to_a_stream_that_is_away_says_so_in_time(
    bus: Bus, server: NatsProcess
) -> None:
    server.kill()
    with pytest.raises(Temporary, match="not published"):
        await bus.publish(closed("x"), within_s=0.3)
    server.start()
    await bus.publish(closed("y"), within_s=20)
