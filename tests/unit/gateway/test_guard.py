"""Who gets in: tenants chosen, budgets counted, bad tokens slowed down."""

import pytest

from callfunnel.auth.keys import KeysUnavailable
from callfunnel.auth.permissions import Role
from callfunnel.auth.principal import Principal
from callfunnel.auth.tokens import TokenRefused
from callfunnel.domain.ids import TenantId
from gateway.guard import BAD_TOKENS, EXPENSIVE, Guard, chosen_tenant
from gateway.limits import RateLimit
from gateway.problems import ProblemError

ACME, OTHER = TenantId("acme"), TenantId("other")


class Verifier:
    """Knows one token."""

    async def verify(self, token: str) -> Principal:
        if token == "later":
            raise KeysUnavailable
        if token != "good":
            raise TokenRefused("nonsense")
        return principal(ACME)


def principal(*tenants: TenantId) -> Principal:
    roles = {tenant: frozenset({Role.VIEWER}) for tenant in tenants}
    return Principal(subject="s", name="n", client="c", session="", expires_at=0, roles=roles)


def guard(quota: int = 2) -> Guard:
    return Guard(Verifier(), RateLimit("tenant", quota, 60), lambda: 0.0)  # type: ignore[arg-type]


async def status(guard: Guard, token: str) -> int:
    with pytest.raises(ProblemError) as raised:
        await guard.principal(token, "203.0.113.9")
    return raised.value.kind.status


async def test_a_good_token_is_somebody() -> None:
    assert (await guard().principal("good", "")).tenants == (ACME,)


async def test_bad_tokens_are_refused_and_then_slowed_down() -> None:
    door = guard()
    answers = [await status(door, "bad") for _ in range(BAD_TOKENS.quota + 1)]
    assert answers == [401] * BAD_TOKENS.quota + [429]
    assert (await door.principal("good", "203.0.113.9")).name == "n"


async def test_without_the_issuers_keys_nobody_is_called_invalid() -> None:
    assert await status(guard(), "later") == 503


def test_what_costs_a_lot_has_a_budget_of_its_own_for_each_tenant() -> None:
    door = guard(quota=1000)
    for _ in range(EXPENSIVE.quota):
        door.count_expensive(ACME)
    with pytest.raises(ProblemError) as raised:
        door.count_expensive(ACME)
    assert raised.value.kind.status == 429
    assert int(raised.value.headers["Retry-After"]) > 0
    door.count_expensive(OTHER)
    door.count(ACME)


def test_a_tenants_budget_ends() -> None:
    door = guard(quota=1)
    door.count(ACME)
    with pytest.raises(ProblemError) as raised:
        door.count(ACME)
    assert raised.value.kind.status == 429
    assert raised.value.headers["Retry-After"] == "60"
    assert door.count(OTHER)


def test_the_tenant_comes_from_the_token() -> None:
    assert chosen_tenant(principal(ACME), None) == ACME
    assert chosen_tenant(principal(ACME, OTHER), "other") == OTHER
    for who, wanted, expected in (
        (principal(), None, 403),
        (principal(ACME), "other", 403),
        (principal(ACME), "ac", 403),
        (principal(ACME, OTHER), None, 422),
    ):
        with pytest.raises(ProblemError) as raised:
            chosen_tenant(who, wanted)
        assert raised.value.kind.status == expected
