"""Requests that come many at the same moment."""

import asyncio
from collections import Counter
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from gateway.shell import Shell
from tests.simulators.virtual_time import run, turn


async def nothing_more() -> Message:
    return {"type": "http.request", "body": b""}


async def heard(_: Message) -> None: ...


def test_of_many_webhooks_that_come_at_once_a_few_begin_in_each_turn() -> None:
    async def scenario() -> Counter[int]:
        in_turn: Counter[int] = Counter()

        async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
            in_turn[turn()] += 1

        shell = Shell(app, {}, note=lambda _: None, told=lambda *_: None)
        webhook: dict[str, Any] = {"type": "http", "method": "POST", "path": "/x", "headers": []}
        await asyncio.gather(*(shell({**webhook}, nothing_more, heard) for _ in range(50)))
        return in_turn

    in_turn = run(scenario())
    assert in_turn.total() == 50
    assert max(in_turn.values()) == 2
