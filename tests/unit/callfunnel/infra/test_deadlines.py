"""The timer over deadlines that are rows: it sleeps until the next, and nobody blocks others."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from psycopg.sql import SQL

from callfunnel.domain.errors import Temporary
from callfunnel.infra.deadlines import Deadlines
from tests.simulators.waiting import until


class Rows:
    """A database that only knows deadlines: tenant -> when it is due, by the loop's clock."""

    def __init__(self) -> None:
        self.due: dict[str, float] = {}
        self.looks = 0
        self.down = False

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Rows"]:
        yield self

    async def execute(self, statement: str | SQL) -> "Rows":
        if statement == SQL("begin"):
            return self
        self.looks += 1
        if self.down:
            raise Temporary("down")
        return self

    async def fetchall(self) -> list[tuple[str, float]]:
        now = asyncio.get_running_loop().time()
        return [(tenant, at - now) for tenant, at in self.due.items()]


@pytest.fixture
async def rows() -> Rows:
    return Rows()


def soon(in_s: float) -> float:
    return asyncio.get_running_loop().time() + in_s


@asynccontextmanager
async def running(rows: Any, act: Callable[[str], Any]) -> AsyncIterator[Deadlines]:
    deadlines = Deadlines("metering", rows, act)
    await deadlines.start()
    yield deadlines
    await deadlines.stop()


async def test_it_acts_when_something_is_due_and_not_before(rows: Rows) -> None:
    acted: list[float] = []

    async def act(tenant: str) -> None:
        acted.append(soon(0) - rows.due.pop(tenant))

    rows.due["acme"] = soon(0.15)
    async with running(rows, act):
        await until(lambda: bool(acted), "it acted")
        assert acted[0] >= 0
        assert rows.looks <= 3


async def test_a_deadline_that_is_written_meanwhile_wakes_it(rows: Rows) -> None:
    acted: list[str] = []

    async def act(tenant: str) -> None:
        del rows.due[tenant]
        acted.append(tenant)

    async with running(rows, act) as deadlines:
        await until(lambda: rows.looks == 1, "it looked and sleeps")
        rows.due["acme"] = soon(0.05)
        deadlines.wake(0.05)
        await until(lambda: acted == ["acme"], "it acted", within_s=2)


async def test_a_tenant_in_trouble_does_not_keep_others_waiting(rows: Rows) -> None:
    acted: list[str] = []

    async def act(tenant: str) -> None:
        acted.append(tenant)
        if tenant == "broken":
            raise RuntimeError
        rows.due.pop(tenant)

    rows.due = {"broken": soon(0), "acme": soon(0)}
    async with running(rows, act):
        await until(lambda: acted[:2] == ["broken", "acme"], "both were tried")


async def test_a_database_that_is_down_is_asked_again(rows: Rows) -> None:
    acted: list[str] = []

    async def act(tenant: str) -> None:
        acted.append(tenant)
        rows.due.pop(tenant)

    rows.due["acme"], rows.down = soon(0), True
    async with running(rows, act):
        await until(lambda: rows.looks >= 1, "it looked")
        rows.down = False
        await until(lambda: acted == ["acme"], "it acted", within_s=5)


def test_a_schema_is_a_plain_name() -> None:
    with pytest.raises(ValueError, match="no schema"):
        Deadlines("metering; drop", None, None)  # type: ignore[arg-type]
