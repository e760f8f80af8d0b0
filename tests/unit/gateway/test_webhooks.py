"""A webhook is believed only with the right account's signature over the configured URL."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfunnel.carrier.signature import signature
from callfunnel.domain.call import Pin
from callfunnel.domain.ids import TenantId
from gateway.accounts import Account, Accounts
from gateway.store import Route
from gateway.webhooks import STRANGERS, NotSigned, Received, Webhooks

ACME, OTHER = TenantId("acme"), TenantId("other")
TOKENS = {
    ACME: {"account_sid": "AC1", "auth_token": "acme-secret"},
    OTHER: {"account_sid": "AC2", "auth_token": "other-secret"},
}
NUMBER = "+15550100001"


class Secrets:
    async def get(self, tenant: TenantId, path: str) -> dict[str, str]:
        assert path == "carriers/twilio"
        return TOKENS[tenant]


class Directory:
    def __init__(self) -> None:
        self.asked = 0

    async def route(self, number: str) -> Route | None:
        self.asked += 1
        return Route(ACME, "agent", 5) if number == NUMBER else None


class NoPins:
    async def pin(self, key: str) -> Pin | None:
        return None


async def tenants() -> list[TenantId]:
    return [ACME, OTHER]


def accounts() -> Accounts:
    return Accounts(Secrets(), tenants, lambda: 0.0)


async def test_what_is_remembered_of_one_account_is_never_told_of_another() -> None:
    kept = accounts()
    for _ in range(2):
        for tenant, secret in TOKENS.items():
            for found in (await kept.of_tenant(tenant), await kept.with_sid(secret["account_sid"])):
                assert found is not None
                assert (found.tenant, found.auth_token) == (tenant, secret["auth_token"])
        assert await kept.with_sid("AC3") is None


def webhooks(directory: Directory | None = None) -> Webhooks:
    whose = directory or Directory()
    return Webhooks("https://phone.example.com/", accounts(), whose, NoPins(), lambda: 0.0)


def received(token: str, **form: str) -> Received:
    fields = {"CallSid": "CA1", "AccountSid": "AC1", "To": NUMBER, "From": "+15550100123", **form}
    url = "https://phone.example.com/carriers/twilio/voice"
    signed = signature(token, url, {name: [value] for name, value in fields.items()})
    return Received("/carriers/twilio/voice", signed, urlencode(fields).encode())


async def test_the_numbers_tenant_is_the_one_that_must_have_signed() -> None:
    offered = await webhooks().offered(received("acme-secret"))
    assert (offered.account.tenant, offered.callee, offered.caller) == (
        ACME,
        NUMBER,
        "+15550100123",
    )


@pytest.mark.parametrize(
    ("token", "form"),
    [
        ("other-secret", {}),
        ("other-secret", {"AccountSid": "AC2"}),
        ("acme-secret", {"AccountSid": ""}),
        ("acme-secret", {"AccountSid": "AC2"}),
        ("acme-secret", {"AccountSid": "AC9", "To": "+15559999999"}),
        ("acme-secret", {"CallSid": "CA 1"}),
        ("acme-secret", {"CallSid": ""}),
    ],
)
async def test_anything_else_is_not_signed(token: str, form: dict[str, str]) -> None:
    with pytest.raises(NotSigned):
        await webhooks().offered(received(token, **form))


async def test_an_unknown_number_is_verified_by_the_account_it_names() -> None:
    offered = await webhooks().offered(
        received("other-secret", To="+15559999999", AccountSid="AC2")
    )
    assert (offered.account.tenant, offered.route) == (OTHER, None)


async def test_a_caller_id_that_is_no_caller_id_is_not_passed_on() -> None:
    offered = await webhooks().offered(received("acme-secret", From="<b>hello</b>"))
    assert offered.caller == "unknown"


@given(st.binary(max_size=400))
async def test_garbage_is_refused_and_nothing_worse(body: bytes) -> None:
    with pytest.raises(NotSigned):
        await webhooks().offered(Received("/carriers/twilio/voice", "x" * 28, body))


async def test_a_form_that_is_too_long_is_refused() -> None:
    with pytest.raises(NotSigned):
        await webhooks().offered(received("acme-secret", Filler="x" * 70_000))


async def test_a_flood_of_strangers_has_little_looked_up_and_keeps_no_carrier_out() -> None:
    directory = Directory()
    door = webhooks(directory)
    await door.offered(received("acme-secret"))
    for n in range(3 * STRANGERS.quota):
        with pytest.raises(NotSigned):
            await door.offered(received("a guess", AccountSid=f"AC{n % 5}", To=f"+1555{n:07}"))
    assert directory.asked <= 1 + STRANGERS.quota

    known = await door.offered(received("acme-secret"))
    new = await door.offered(received("other-secret", AccountSid="AC2", To="+15559999999"))
    assert (known.account.tenant, new.account.tenant) == (ACME, OTHER)


@pytest.mark.parametrize("signature", ["", "x", "x" * 29])
async def test_what_is_no_signature_has_nothing_looked_up(signature: str) -> None:
    directory = Directory()
    offered = received("acme-secret")
    with pytest.raises(NotSigned):
        await webhooks(directory).offered(Received(offered.target, signature, offered.body))
    assert directory.asked == 0


async def test_a_tenant_that_has_an_account_no_longer_does_not_sign_for_it() -> None:
    kept = accounts()
    for tenant in (ACME, OTHER):
        kept.know(Account(tenant, "AC1", "acme-secret"))
    assert [account.tenant for account in await kept.known_as("AC1")] == [ACME]
