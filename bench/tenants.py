"""Many tenants in one home: each with its number, its carrier account and its rule book.

What `up` does for the demo tenant is done here for as many as a bench wants; the rule book is the
demo agent's, as the conductor has published it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from bench import behind, traffic
from callfunnel.carrier.signature import SECRET_PATH
from callfunnel.domain.ids import TenantId
from callfunnel.events.streams import RULEBOOKS
from callfunnel.infra.postgres import conninfo
from callfunnel.local.demo import AGENT, NUMBER, TENANT
from callfunnel.local.private_stack import PrivateStack

CALLS = 10_000
"""As many as a tenant may have at once: no bench is refused for it."""


@dataclass(frozen=True)
class Number:
    """A number that is called, and the account of the carrier that offers its calls."""

    number: str
    account_sid: str
    auth_token: str


async def demo(stack: PrivateStack) -> Number:
    """The demo tenant's, which may have as many calls as a bench places."""
    async with await _owner(stack) as connection:
        await connection.execute(
            "update platform.tenants set call_limit = %s where tenant = %s", (CALLS, TENANT)
        )
    return Number(NUMBER, **await stack.secrets().get(TENANT, SECRET_PATH))


async def settled(stack: PrivateStack, count: int) -> list[Number]:
    """The numbers of so many tenants; those who are there already stay as they are."""
    who = traffic.tenants(count)
    numbers = [Number(f"+1555{n:07d}", f"AC{n:032x}", f"{n:032x}") for n in range(count)]
    await _rows(stack, who, numbers)
    for tenant, number in zip(who, numbers, strict=True):
        account = {"account_sid": number.account_sid, "auth_token": number.auth_token}
        await stack.secrets().put(tenant, SECRET_PATH, account)
    await _books(stack, who)
    return numbers


async def _rows(stack: PrivateStack, who: Sequence[TenantId], numbers: Sequence[Number]) -> None:
    async with await _owner(stack) as connection, connection.cursor() as cursor:
        await cursor.executemany(
            "insert into platform.tenants (tenant, name, call_limit) values (%s, %s, %s)"
            " on conflict do nothing",
            [(tenant, tenant, CALLS) for tenant in who],
        )
        await cursor.executemany(
            "insert into platform.numbers (number, tenant, agent) values (%s, %s, %s)"
            " on conflict do nothing",
            [(each.number, tenant, AGENT) for tenant, each in zip(who, numbers, strict=True)],
        )


async def _books(stack: PrivateStack, who: Sequence[TenantId]) -> None:
    bus = await behind.bus_of(stack, "conductor")
    books = bus.kv(RULEBOOKS.name)
    shown = await books.get(f"{TENANT}.{AGENT}")
    if shown is None:
        raise RuntimeError("the conductor has not published the demo agent's rule book")
    for tenant in who:
        await books.create(f"{tenant}.{AGENT}", shown.value)
    await bus.stop()


async def _owner(stack: PrivateStack) -> psycopg.AsyncConnection[tuple[object, ...]]:
    owner = await conninfo(stack.settings("bench"), "owner", stack.secrets())
    return await psycopg.AsyncConnection.connect(owner)
