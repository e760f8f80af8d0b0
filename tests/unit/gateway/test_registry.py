"""The registry's mirrors hold every tenant's keys; an answer is of one tenant alone."""

from dataclasses import dataclass

import msgspec

from callfunnel.domain.ids import TenantId
from callfunnel.domain.rulebook import Busy, Persona, PublishedRulebook, Rulebook
from gateway.registry import HeldSlots, KvRegistry

NAMES = ("acme", "acme2", "acm", "me", "acme-agent")


@dataclass
class Shown:
    """An entry as a mirror keeps it."""

    value: bytes
    revision: int = 1
    epoch: int = 1


class Mirror:
    def __init__(self, **entries: bytes) -> None:
        self.entries = {key: Shown(value) for key, value in entries.items()}


def book(tenant: str, agent: str) -> bytes:
    rulebook = Rulebook(
        agent=agent,
        persona=Persona(name="Nova", company=tenant),
        greeting="Hello.",
        apology="Sorry.",
        busy=Busy(say="Later."),
    )
    published = PublishedRulebook(version=1, digest="d", published_at="", rulebook=rulebook)
    return msgspec.json.encode(published)


def registry() -> KvRegistry:
    """Each tenant has an agent of the same name, one of its own, and the slot of its place."""
    books = {f"{name}.sales": book(name, "sales") for name in NAMES}
    books |= {f"{name}.of-{name}": book(name, f"of-{name}") for name in NAMES}
    slots = HeldSlots()
    for n, name in enumerate(NAMES):
        slots.changed(f"{name}.{n}", Shown(b"{}"))
    return KvRegistry(
        workers=Mirror(),
        slots=slots,
        rulebooks=Mirror(**books),
        pin_bucket=None,  # type: ignore[arg-type]  # pins are read where they are written
        slot_bucket=None,  # type: ignore[arg-type]
        connected=lambda: True,
    )


def test_a_rule_book_is_the_tenants_own_though_others_have_one_of_that_name() -> None:
    for name in NAMES:
        found = registry().rulebook(TenantId(name), "sales")
        assert found is not None
        assert found.rulebook.persona.company == name
        for other in NAMES:
            seen = registry().rulebook(TenantId(name), f"of-{other}")
            assert (seen is not None) is (other == name)


def test_a_list_of_agents_and_slots_is_the_tenants_own() -> None:
    for n, name in enumerate(NAMES):
        assert registry().agents(TenantId(name)) == sorted(("sales", f"of-{name}"))
        assert set(registry().slots(TenantId(name))) == {n}


def test_a_tenant_that_is_no_name_finds_nothing() -> None:
    for odd in ("", "*", ">", "acme.sales", "ACME"):
        assert registry().agents(TenantId(odd)) == []
        assert set(registry().slots(TenantId(odd))) == set()
        assert registry().rulebook(TenantId(odd), "sales") is None


def test_a_slot_without_a_number_is_nobodys_and_harms_no_other() -> None:
    slots = HeldSlots()
    for key in ("acme.²", f"acme.{'9' * 5000}", "acme.-1", "acme.", "acme", "acme.3"):
        slots.changed(key, Shown(b"{}"))
    assert set(slots.of(TenantId("acme"))) == {3}


async def test_a_pin_that_cannot_be_read_is_none_and_fails_nothing_else() -> None:
    class Garbage:
        async def get(self, key: str) -> Shown:
            return Shown(b'{"call":')

    registry = KvRegistry(
        workers=Mirror(),
        slots=HeldSlots(),
        rulebooks=Mirror(),
        pin_bucket=Garbage(),  # type: ignore[arg-type]  # it is only read
        slot_bucket=None,  # type: ignore[arg-type]
        connected=lambda: True,
    )
    assert await registry.pin("twilio-CA1") is None
