"""Rule books stay in memory by version: for tools of their own tenant alone."""

from typing import Any

import msgspec

from callfunnel.domain.ids import TenantId
from callfunnel.domain.rulebook import Persona, Rulebook
from workers.conductor.rulebooks.store import Library

ACME, RIVAL, NEWCOMER = TenantId("acme"), TenantId("rival"), TenantId("newcomer")


class Rows:
    """The rows of two tenants that have the same version of an agent of the same name."""

    def __init__(self) -> None:
        self.asked = 0
        self._found: Any = None

    async def execute(self, _statement: str, key: tuple[TenantId, str, int]) -> "Rows":
        self.asked += 1
        tenant, agent, version = key
        company = Persona(name="Nova", company=tenant)
        book = Rulebook(agent=agent, persona=company, greeting="Hello.", apology="Sorry.")
        known = tenant in (ACME, RIVAL) and version == 1
        self._found = (msgspec.to_builtins(book),) if known else None
        return self

    async def fetchone(self) -> Any:
        return self._found


async def company(library: Library, rows: Rows, tenant: TenantId) -> str | None:
    book = await library.book(tenant, rows, "sales", 1)  # type: ignore[arg-type]
    return book.persona.company if book else None


async def test_what_is_kept_for_one_tenant_is_never_told_to_another() -> None:
    library, rows = Library(), Rows()
    for _ in range(2):
        assert await company(library, rows, ACME) == ACME
        assert await company(library, rows, RIVAL) == RIVAL
        assert await company(library, rows, NEWCOMER) is None
    assert rows.asked == 4, "the two that are there were asked for once"
