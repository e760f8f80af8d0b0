"""Whose promises are told when some cannot be: one tenant's trouble is not everybody's."""

from typing import Any

import pytest

from callfunnel.domain.errors import Temporary
from callfunnel.domain.ids import TenantId
from callfunnel.infra.outbox import Outbox

TENANTS = {TenantId(f"t-{n}") for n in range(20)}


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
