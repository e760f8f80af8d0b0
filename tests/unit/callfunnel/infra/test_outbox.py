"""Whose promises are told when some cannot be: one tenant's trouble is not everybody's."""

from types import SimpleNamespace
from typing import Any

import pytest
from psycopg.pq import TransactionStatus

from callfunnel.domain.errors import Temporary
from callfunnel.domain.ids import TenantId
from callfunnel.events.settled import TimelineCompleted
from callfunnel.infra.bus import event
from callfunnel.infra.outbox import Outbox

TENANTS = {TenantId(f"t-{n}") for n in range(20)}
ONE, OTHER = sorted(TENANTS)[:2]


class Told(Outbox):
    """An outbox that remembers whom it tried to tell for; those in `bad` cannot be told."""

    def __init__(self, bad: set[TenantId]) -> None:
        nothing: Any = None
        super().__init__("timeline", nothing, nothing)
        self.bad = bad
        self.tried: list[set[TenantId]] = []
        self.told: set[TenantId] = set()

    async def _send(self, tenants: set[TenantId]) -> int:
        self.tried.append(tenants)
        if tenants & self.bad:
            raise Temporary("not stored")
        self.told |= tenants
        return 0


async def test_all_that_were_woken_are_told_together() -> None:
    outbox = Told(set())
    await outbox._send_all(set(TENANTS))
    assert outbox.tried == [TENANTS]


@pytest.mark.parametrize("bad", sorted(TENANTS)[::7])
async def test_one_tenant_in_trouble_keeps_nobody_waiting(bad: TenantId) -> None:
    outbox = Told({bad})
    await outbox._send_all(set(TENANTS))
    assert outbox.told == TENANTS - {bad}
    assert outbox._waiting == {bad}


async def test_while_nobody_can_be_told_not_everybody_is_tried() -> None:
    outbox = Told(set(TENANTS))
    await outbox._send_all(set(TENANTS))
    assert len(outbox.tried) == 4
    assert outbox._waiting == TENANTS


class Transaction:
    """A connection in a transaction."""

    def __init__(self) -> None:
        self.info = SimpleNamespace(transaction_status=TransactionStatus.INTRANS)

    async def execute(self, *_: Any, **__: Any) -> None:
        """The row is written."""

    def commit(self) -> None:
        self.info.transaction_status = TransactionStatus.IDLE


async def promise(outbox: Outbox, tenant: TenantId, connection: Any) -> None:
    news = event(TimelineCompleted(last_seq=1, digest="d"), tenant, "c_" + "a" * 26)
    await outbox.put(tenant, connection, [news])


def looked_for(outbox: Outbox) -> set[TenantId]:
    """Whom the sender looks for now, and then no more."""
    waiting, outbox._waiting = outbox._waiting, set()
    return waiting


async def test_of_two_transactions_of_a_tenant_each_has_its_promise_told() -> None:
    outbox, first, second = Told(set()), Transaction(), Transaction()
    await promise(outbox, ONE, first)
    await promise(outbox, ONE, second)
    first.commit()
    outbox.wake(ONE)
    assert looked_for(outbox) == {ONE}
    second.commit()
    outbox.wake(ONE)
    assert looked_for(outbox) == {ONE}


async def test_who_promised_nothing_takes_nobody_s_promise() -> None:
    outbox, slow = Told(set()), Transaction()
    await promise(outbox, ONE, slow)
    outbox.wake(ONE)
    looked_for(outbox)
    slow.commit()
    outbox.wake(OTHER)
    assert looked_for(outbox) == {ONE}, "its own wake need not find it any more"
    outbox.wake(ONE)
    assert looked_for(outbox) == set()


async def test_a_promise_is_told_whoever_has_its_connection_now() -> None:
    outbox, connection = Told(set()), Transaction()
    await promise(outbox, ONE, connection)
    connection.commit()
    connection.info.transaction_status = TransactionStatus.INTRANS  # of the pool's next user
    outbox.wake(ONE)
    assert looked_for(outbox) == {ONE}


async def test_nobody_is_looked_for_where_nothing_was_promised() -> None:
    outbox = Told(set())
    outbox.wake(ONE, OTHER)
    assert looked_for(outbox) == set()
