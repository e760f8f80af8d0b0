"""Live feeds as server-sent events: what was, then what is, without a gap or a repetition.

One call: the stored timeline first (a call may be older than the bus remembers), then everything
the bus keeps of it; `Ordering` makes one sequence of both. A tenant: the bus alone, whose own
sequence is the cursor. A feed ends when its call is settled, and when the reader's token expires.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec

import callfunnel.events.catalogue  # noqa: F401 - registers every message that a feed may show
from callfunnel.domain.ids import CallId, TenantId
from callfunnel.events.envelope import Event
from callfunnel.events.message import definition_of, family_filter
from callfunnel.events.streams import CALLS
from callfunnel.infra.turns import Turnstile, in_turns
from gateway.ordering import CallFact, Numbered, Ordering

HEARTBEAT_S = 15.0
HEARTBEAT = b": still here\n\n"
T = TypeVar("T")
_FIRST = asyncio.FIRST_COMPLETED
_CLOSING: set["asyncio.Future[None]"] = set()
"""The loop itself holds tasks weakly."""


class Follows(Protocol):
    """The bus's ordered reader, and where it would begin now."""

    async def position(self, stream: str) -> int: ...

    def follow(
        self, stream: str, *subjects: str, after: int | None = None
    ) -> AsyncIterator[tuple[int, Event[Any]]]: ...


Timeline = Callable[[TenantId, CallId], Awaitable[Iterable[CallFact]]]


class Feeds:
    """Makes feeds. `timeline` gives the stored facts of a call."""

    def __init__(self, bus: Follows, timeline: Timeline, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._bus = bus
        self._timeline = timeline
        self._heartbeat_s = heartbeat_s
        self._closed: asyncio.Event = asyncio.Event()
        self._leaving = Turnstile()

    def close(self) -> None:
        """Ends every feed, a few in each turn of the loop: audio is relayed on the same one.

        Readers come back, to another process or the next one.
        """
        self._closed.set()

    async def call(
        self, tenant: TenantId, call: CallId, ordering: Ordering, until: float
    ) -> AsyncGenerator[bytes, None]:
        """The facts of one call behind `ordering`, up to its seal or the loop's time `until`."""
        async for fact in in_turns(await self._timeline(tenant, call)):
            for due in ordering.take(fact):
                yield _encoded(due, call)
        if ordering.finished:
            return
        subject = family_filter("call", tenant=tenant, key=call)
        live = self._bus.follow(CALLS.name, subject, after=0)
        async with aclosing(self._paced(live, until)) as arriving:
            yield HEARTBEAT
            async for item in arriving:
                for due in await self._due(tenant, call, ordering, item):
                    yield _encoded(due, call)
                if item is None:
                    yield HEARTBEAT
                if ordering.finished:
                    return

    async def may_resume(self, tenant: TenantId, call: CallId, ordering: Ordering) -> bool:
        """Whether `ordering` goes on behind what this call can have sent."""
        return ordering.is_of(await self._timeline(tenant, call))

    async def beginning(self) -> int:
        """The cursor behind which everything is new. Raises Temporary."""
        return await self._bus.position(CALLS.name)

    async def tenant(
        self, tenant: TenantId, after: int, until: float
    ) -> AsyncGenerator[bytes, None]:
        """Every fact of every call of the tenant, as it comes, behind the cursor `after`."""
        yield f"id: {after}\n\n".encode()  # who loses the line before the first fact misses none
        live = self._bus.follow(CALLS.name, family_filter("call", tenant=tenant), after=after)
        async with aclosing(self._paced(live, until)) as arriving:
            async for item in arriving:
                if item is None:
                    yield HEARTBEAT
                    continue
                cursor, event = item
                yield _encoded(Numbered(str(cursor), fact_of(event)), event.envelope.key)

    async def _due(
        self, tenant: TenantId, call: CallId, ordering: Ordering, item: Any
    ) -> list[Numbered]:
        """What an arrival releases. A silence in which facts wait: ask the timeline, then go on."""
        if item is not None:
            return ordering.take(fact_of(item[1]))
        if not ordering.stuck:
            return []
        due = [each for fact in await self._timeline(tenant, call) for each in ordering.take(fact)]
        return due + ordering.skip()

    async def _told_to_leave(self) -> None:
        await self._closed.wait()
        await self._leaving.enter()

    async def _paced(
        self, source: AsyncIterator[T], until: float
    ) -> AsyncGenerator[T | None, None]:
        """The items of `source`, and None for every silence; ends at `until` or with `close`."""
        loop = asyncio.get_running_loop()
        coming: asyncio.Future[T] | None = None
        closed = asyncio.ensure_future(self._told_to_leave())
        try:
            while (left := until - loop.time()) > 0 and not closed.done():
                coming = coming or asyncio.ensure_future(anext(source))
                either: set[asyncio.Future[Any]] = {coming, closed}
                wait_s = min(self._heartbeat_s, left)
                await asyncio.wait(either, timeout=wait_s, return_when=_FIRST)
                if not coming.done():
                    yield None
                    continue
                try:
                    item, coming = coming.result(), None
                except StopAsyncIteration:
                    return
                yield item
        finally:
            # A reader that goes away cancels again and again; the consumer closes all the same.
            closing = asyncio.ensure_future(_let_go(source, coming, closed))
            _CLOSING.add(closing)
            closing.add_done_callback(_CLOSING.discard)
            await asyncio.shield(closing)


async def _let_go(source: AsyncIterator[T], *waited: "asyncio.Future[Any] | None") -> None:
    """Cancels until it is heard: `wait_for` of Python 3.11 loses a cancellation that comes just as
    what it waits for is done."""
    for each in filter(None, waited):
        while not each.done():
            each.cancel()
            await asyncio.wait({each}, timeout=0.1)
        _ = each.cancelled() or each.exception()
    if isinstance(source, AsyncGenerator):
        await source.aclose()


def fact_of(event: Event[Any]) -> CallFact:
    """A fact as it came over the bus."""
    envelope = event.envelope
    data = msgspec.to_builtins(event.data)
    kind = definition_of(type(event.data)).type_name
    return CallFact(envelope.id, envelope.seq, kind, envelope.time, data)


def shown(fact: CallFact, call: str) -> dict[str, Any]:
    """A fact as the API shows it (the schema `Fact`)."""
    at = fact.at.isoformat() if isinstance(fact.at, datetime) else fact.at
    names = {"id": fact.id, "seq": fact.seq, "type": fact.type, "name": fact.name}
    return {**names, "at": at, "call": call, "data": fact.data}


def _encoded(numbered: Numbered, call: str) -> bytes:
    body = msgspec.json.encode(shown(numbered.fact, call))
    head = f"id: {numbered.id}\nevent: {numbered.fact.name}\ndata: "
    return head.encode() + body + b"\n\n"
