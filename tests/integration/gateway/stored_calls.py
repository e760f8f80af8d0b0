"""Arranges what the workers behind a call would have stored, and says things on the bus."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import msgspec

from callfunnel.domain.call import Cause, Channel, Direction, EndedBy
from callfunnel.domain.ids import ApprovalId, CallId, TenantId
from callfunnel.events.call import CallEnded, CallerSpoke, CallOffered
from callfunnel.events.message import Message, definition_of
from callfunnel.events.settled import CallSettled, RecordingStored
from callfunnel.infra.bus import Bus, event
from callfunnel.infra.clock import fresh_id
from callfunnel.infra.objects import Objects
from callfunnel.infra.postgres import Pool, tenant_connection
from tests.integration.conftest import PoolOf
from tests.simulators import room

SOUND = bytes(range(256)) * 40


@dataclass
class StoredCalls:
    """Calls of one tenant."""

    tenant: TenantId
    postgres: PoolOf
    objects: Objects
    bus: Bus
    pools: dict[str, Pool] = field(default_factory=dict)

    async def call(self, *, facts: int = 2, ended: bool = True) -> CallId:
        """A call with so many facts, its end and its seal, in the stored timeline."""
        call = CallId(fresh_id("c"))
        await self._execute(
            "persistence",
            "insert into timeline.calls (tenant, call, caller, callee, agent, direction, channel,"
            " first_at, duration_ms, amount_micros, currency, last_seq)"
            " values (%s, %s, '+15550100123', '+15550100001', 'home-internet', 'inbound', 'twilio',"
            " now(), 61000, 4200, 'USD', %s)",
            (self.tenant, call, facts),
        )
        for tag, seq, data in told(facts) if ended else told(facts)[:facts]:
            await self.store(call, tag, seq, data)
        return call

    async def store(self, call: CallId, tag: str, seq: int | None, data: Message) -> None:
        """One fact in the stored timeline."""
        await self._execute(
            "persistence",
            "insert into timeline.events (tenant, call, id, seq, type, at, data)"
            " values (%s, %s, %s, %s, %s, now(), %s::jsonb)",
            (
                self.tenant,
                call,
                f"{call}-{tag}",
                seq,
                definition_of(type(data)).type_name,
                msgspec.json.encode(data).decode(),
            ),
        )

    async def say(self, call: CallId, tag: str, seq: int | None, data: Message) -> None:
        """One fact on the bus, after redaction."""
        await self.bus.publish(event(data, self.tenant, call, id=f"{call}-{tag}", seq=seq))

    async def recording(self, call: CallId) -> None:
        """A recording in the object store."""
        name = f"recordings/{call}.flac"
        await self.objects.put(self.tenant, name, SOUND, "audio/flac")
        await self._execute(
            "persistence",
            "insert into recordings.recordings (tenant, call, object_key, codec, duration_ms, size,"
            " sha256, segments, missing_segments)"
            " values (%s, %s, %s, 'flac', 61000, %s, %s, 61, 0)",
            (self.tenant, call, name, len(SOUND), hashlib.sha256(SOUND).hexdigest()),
        )

    async def bill(self, call: CallId, *amounts: int) -> None:
        """A bill with these lines."""
        for line, amount in enumerate(amounts, 1):
            await self._execute(
                "billing",
                "insert into metering.bill_lines (tenant, call, line, round, meter, provider,"
                " model, unit, quantity, records, price_micros, per, amount_micros, currency,"
                " price_book, explanation) values (%s, %s, %s, 1, 'call', 'callfunnel', '', 'ms',"
                " 61000, 1, 100, 1000, %s, 'USD', '2026', 'a minute of call')",
                (self.tenant, call, line, amount),
            )

    async def record(self, call: CallId) -> None:
        """The sealed record of a call."""
        await self._execute(
            "persistence",
            "insert into settlement.records (tenant, call, canonical, digest, missing, sealed_at)"
            " values (%s, %s, '{}', 'd', '{}', now())",
            (self.tenant, call),
        )

    async def approval(self) -> ApprovalId:
        """An open approval."""
        approval = ApprovalId(fresh_id("apr"))
        await self._execute(
            "conductor",
            "insert into approvals.approvals (tenant, approval, call, tool_call, tool, agent,"
            ' rulebook_version, caller, what, arguments, "limit", expires_at) values (%s, %s, %s,'
            " 'tc_1', 'offer_discount', 'home-internet', 1, '+15550100123', '25 percent off',"
            " '{\"percent\": 25}', '10', now() + interval '1 minute')",
            (self.tenant, approval, fresh_id("c")),
        )
        return approval

    async def rulebook(self, agent: str, document: str) -> None:
        """A published rule book."""
        await self._execute(
            "conductor",
            "insert into rulebooks.versions (tenant, agent, version, document, rulebook, digest,"
            " published_by) values (%s, %s, 3, %s, %s::jsonb, 'd', 'somebody')",
            (self.tenant, agent, document, msgspec.json.encode(room.rulebook()).decode()),
        )

    async def _execute(self, role: str, statement: str, values: tuple[Any, ...]) -> None:
        if role not in self.pools:
            self.pools[role] = await self.postgres(role)
        async with tenant_connection(self.pools[role], self.tenant) as connection:
            await connection.execute(statement.encode(), values)


def told(facts: int) -> list[tuple[str, int | None, Message]]:
    """What is told of a call: so many facts, the end, what the workers behind it say."""
    first = offered()
    spoken = [spoke(n) for n in range(2, facts + 1)]
    numbered: list[tuple[str, int | None, Message]] = [
        (str(n), n, data) for n, data in enumerate([first, *spoken], 1)
    ]
    stored = RecordingStored(
        object_key="recordings/x.flac",
        codec="flac",
        duration_ms=61_000,
        size=1,
        sha256="",
        segments=61,
        missing_segments=0,
    )
    seal = CallSettled(digest="d", missing=[], sealed_at="2026-01-01T00:00:00Z")
    behind: list[tuple[str, int | None, Message]] = [
        ("recording", None, stored),
        ("settled", None, seal),
    ]
    return [*numbered, ("end", facts + 1, ended(facts)), *behind]


def offered() -> CallOffered:
    return CallOffered(
        direction=Direction.INBOUND,
        channel=Channel.TWILIO,
        carrier_call_id="CA1",
        caller="+15550100123",
        callee="+15550100001",
        agent="home-internet",
    )


def spoke(turn: int) -> CallerSpoke:
    return CallerSpoke(turn=turn, text=f"sentence {turn}", start_ms=turn, end_ms=turn + 1)


def ended(last_seq: int) -> CallEnded:
    return CallEnded(
        cause=Cause.CALLER_HANGUP,
        by=EndedBy.CALLER,
        duration_ms=61_000,
        last_seq=last_seq,
        segments=61,
        usage_records=0,
        answered=True,
    )
