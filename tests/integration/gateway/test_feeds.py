"""Live facts as server-sent events: replayed, then live; each once and in order, also resumed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from callfunnel.auth.permissions import Role
from callfunnel.auth.principal import group_path
from callfunnel.domain.ids import CallId
from callfunnel.infra.clock import fresh_id
from tests.integration.gateway.conftest import Running
from tests.integration.gateway.stored_calls import StoredCalls, offered, spoke, told


@dataclass
class Seen:
    """One event as it came."""

    id: str
    fact: dict[str, Any]


class Reader:
    """Reads events one at a time."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self, within_s: float = 10.0) -> Seen | None:
        """The next event, or None when the stream has ended."""
        async with asyncio.timeout(within_s):
            last = ""
            async for line in self._lines:
                if line.startswith("id: "):
                    last = line.removeprefix("id: ")
                if line.startswith("data: "):
                    return Seen(last, json.loads(line.removeprefix("data: ")))
        return None

    async def beginning(self) -> str:
        """The cursor the feed begins at: what is said from now on is heard."""
        async for line in self._lines:
            if line.startswith("id: "):
                return line.removeprefix("id: ")
        return ""

    async def take(self, count: int) -> list[Seen]:
        """The next events."""
        found = [await self.next() for _ in range(count)]
        assert None not in found
        return [each for each in found if each]

    async def rest(self) -> list[Seen]:
        """Everything up to the end of the stream."""
        found = []
        while (each := await self.next()) is not None:
            found.append(each)
        return found


@asynccontextmanager
async def reading(gateway: Running, path: str, last: str = "") -> AsyncIterator[Reader]:
    head = gateway.people.headers(gateway.tenant, Role.VIEWER)
    head |= {"Last-Event-ID": last} if last else {}
    async with gateway.http.stream("GET", gateway.url + path, headers=head) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Reader(answer.aiter_lines())


def tags(call: CallId, seen: list[Seen]) -> list[str]:
    return [each.fact["id"].removeprefix(f"{call}-") for each in seen]


async def test_an_old_call_is_replayed_whole_and_the_stream_ends(
    gateway: Running, calls: StoredCalls
) -> None:
    call = await calls.call(facts=3)
    async with reading(gateway, f"/v1/calls/{call}/events") as events:
        seen = await events.rest()
    assert tags(call, seen) == ["1", "2", "3", "end", "recording", "settled"]
    assert seen[0].id == f"{call}-1"
    assert seen[1].fact["data"]["text"] == "sentence 2"


async def test_stored_and_live_facts_are_one_sequence(gateway: Running, calls: StoredCalls) -> None:
    call = await calls.call(facts=2, ended=False)
    for tag, seq, data in told(2)[:2]:
        await calls.say(call, tag, seq, data)
    async with reading(gateway, f"/v1/calls/{call}/events") as events:
        assert tags(call, await events.take(2)) == ["1", "2"]
        await calls.say(call, "4", 4, spoke(4))
        await calls.say(call, "3", 3, spoke(3))
        for tag, seq, data in told(4)[4:]:
            await calls.say(call, tag, seq, data)
        assert tags(call, await events.rest()) == ["3", "4", "end", "recording", "settled"]


async def test_a_reader_goes_on_where_it_left_off(gateway: Running, calls: StoredCalls) -> None:
    call = await calls.call(facts=6)
    whole: list[Seen] = []
    last = ""
    for count in (1, 4, 3):
        async with reading(gateway, f"/v1/calls/{call}/events", last) as events:
            part = await events.take(count)
        whole += part
        last = part[-1].id
    async with reading(gateway, f"/v1/calls/{call}/events", last) as events:
        whole += await events.rest()
    expected = [tag for tag, _, _ in told(6)]
    assert tags(call, whole) == expected


async def test_a_call_is_heard_before_anything_of_it_is_stored(
    gateway: Running, calls: StoredCalls
) -> None:
    await gateway.worker()
    head = gateway.people.headers(gateway.tenant)
    placed = await gateway.http.post(
        f"{gateway.url}/v1/phone-tokens", json={"agent": "home-internet"}, headers=head
    )
    call = CallId(placed.json()["call"])
    async with reading(gateway, f"/v1/calls/{call}/events") as events:
        await calls.say(call, "1", 1, offered())
        assert tags(call, await events.take(1)) == ["1"]


async def test_an_id_of_another_call_is_refused(gateway: Running, calls: StoredCalls) -> None:
    call = await calls.call()
    head = {**gateway.people.headers(gateway.tenant), "Last-Event-ID": f"{fresh_id('c')}-3"}
    answer = await gateway.http.get(f"{gateway.url}/v1/calls/{call}/events", headers=head)
    assert answer.status_code == 422


async def test_a_stream_ends_with_the_readers_token(gateway: Running, calls: StoredCalls) -> None:
    call = await calls.call(ended=False)
    token = gateway.people.token(group_path(gateway.tenant, Role.VIEWER), seconds=2)
    url, head = f"{gateway.url}/v1/calls/{call}/events", {"Authorization": f"Bearer {token}"}
    async with gateway.http.stream("GET", url, headers=head) as answer:
        assert tags(call, await Reader(answer.aiter_lines()).rest()) == ["1", "2"]


async def test_feeds_end_when_the_gateway_is_told_to_stop(
    gateway: Running, calls: StoredCalls
) -> None:
    call = await calls.call(ended=False)
    async with reading(gateway, f"/v1/calls/{call}/events") as events:
        await events.take(2)
        gateway.door.feeds.close()
        assert await events.rest() == []


async def test_the_tenants_feed_tells_every_call_from_a_cursor_on(
    gateway: Running, calls: StoredCalls
) -> None:
    first, second = CallId(fresh_id("c")), CallId(fresh_id("c"))
    async with reading(gateway, "/v1/events") as events:
        assert await events.beginning()
        await calls.say(first, "1", 1, offered())
        (told_first,) = await events.take(1)
        await calls.say(second, "1", 1, offered())
        await calls.say(first, "2", 2, spoke(2))
        live = await events.take(2)
    assert [each.fact["call"] for each in live] == [second, first]
    async with reading(gateway, "/v1/events", told_first.id) as events:
        again = await events.take(2)
    assert [(each.id, each.fact) for each in again] == [(each.id, each.fact) for each in live]
