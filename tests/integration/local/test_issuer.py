"""The local issuer as its clients see it: PyJWT, python-keycloak, our own verifier."""

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import pytest
from keycloak import KeycloakOpenID
from keycloak.exceptions import KeycloakAuthenticationError, KeycloakPostError

from callfunnel.auth.directory import Member, MemberKind
from callfunnel.auth.permissions import Permission, Role
from callfunnel.auth.tokens import TokenVerifier
from callfunnel.domain.ids import PLATFORM, TenantId
from callfunnel.infra import oidc
from callfunnel.infra.sealed import SealedFolder, SealedSecrets
from callfunnel.infra.settings import PlatformSettings
from callfunnel.local.announce import demo_token
from callfunnel.local.home import folder as home
from callfunnel.local.home import ports
from callfunnel.local.home.credentials import ensure_credentials
from callfunnel.local.identity.directory import LocalDirectory
from callfunnel.local.identity.identities import Identities
from callfunnel.local.processes import Stack, issuer_process, settings
from callfunnel.local.supervision.probes import is_ready
from callfunnel.local.supervision.spawn import last_words, spawn

DEMO = TenantId("demo")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A home of which the issuer alone runs."""
    at = home.Home(tmp_path_factory.mktemp("issuer"))
    home.prepare(at)
    store = SealedFolder.create(at.secrets)
    ensure_credentials(store)
    made = Stack(at, ports.settle(at.root / "ports.json", 0), store)
    process = issuer_process(made)
    child = spawn(process)
    deadline = time.monotonic() + 20
    while not is_ready(process.ready, child.pid):
        assert child.poll() is None, last_words(process, 5)
        assert time.monotonic() < deadline
    yield made
    child.terminate()
    child.wait()


@pytest.fixture
def platform(stack: Stack) -> PlatformSettings:
    return PlatformSettings.from_env(settings(stack, "test"))


@pytest.fixture
def verifier(platform: PlatformSettings) -> TokenVerifier:
    return oidc.token_verifier(platform)


def keycloak(stack: Stack, secret: str | None = None) -> KeycloakOpenID:
    client = stack.store.get(PLATFORM, "oidc/demo-admin")
    return KeycloakOpenID(
        server_url=stack.issuer_url.removesuffix("realms/callfunnel"),
        realm_name="callfunnel",
        client_id=client["client_id"],
        client_secret_key=secret or client["client_secret"],
    )


def demo_user(stack: Stack) -> dict[str, str]:
    return stack.store.get(PLATFORM, "oidc/demo-user")


def post(
    stack: Stack, path: str, form: dict[str, str]
) -> tuple[int, dict[str, Any], dict[str, str]]:
    parts = urlsplit(f"{stack.issuer_url}/protocol/openid-connect/{path}")
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    try:
        head = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", parts.path, urlencode(form), head)
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"{}"), dict(response.headers)
    finally:
        connection.close()


async def test_the_demo_admins_token_opens_the_demo_tenant(
    stack: Stack, verifier: TokenVerifier
) -> None:
    principal = await verifier.verify(demo_token(stack.issuer_url, stack.store))
    assert principal.tenants == (DEMO,)
    assert all(principal.may(DEMO, permission) for permission in Permission)
    assert principal.client == "demo-admin"


def test_pyjwts_own_key_client_works_unchanged(stack: Stack) -> None:
    token = demo_token(stack.issuer_url, stack.store)
    keys = jwt.PyJWKClient(f"{stack.issuer_url}/protocol/openid-connect/certs")
    claims = jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=["RS256"],
        audience="callfunnel-api",
        issuer=stack.issuer_url,
    )
    assert claims["typ"] == "Bearer"
    assert {"sub", "azp", "jti", "sid", "iat", "exp", "groups"} <= set(claims)


def test_python_keycloak_works_unchanged(stack: Stack) -> None:
    client, user = keycloak(stack), demo_user(stack)
    assert client.well_known()["issuer"] == stack.issuer_url
    assert client.certs()["keys"][0]["alg"] == "RS256"
    assert "BEGIN" not in client.public_key()
    token = client.token(user["username"], user["password"])
    claims = client.introspect(token["access_token"])
    assert claims["active"]
    assert claims["preferred_username"] == "demo"
    assert client.userinfo(token["access_token"])["sub"] == claims["sub"]
    again = client.refresh_token(token["refresh_token"])
    assert again["access_token"] != token["access_token"]
    client.logout(again["refresh_token"])
    assert client.introspect(again["access_token"]) == {"active": False}


def test_a_refresh_token_used_twice_ends_its_session(stack: Stack) -> None:
    client, user = keycloak(stack), demo_user(stack)
    first = client.token(user["username"], user["password"])
    second = client.refresh_token(first["refresh_token"])
    with pytest.raises(KeycloakPostError):
        client.refresh_token(first["refresh_token"])
    with pytest.raises(KeycloakPostError):
        client.refresh_token(second["refresh_token"])
    assert client.introspect(second["access_token"]) == {"active": False}


async def test_a_service_has_its_own_token(
    stack: Stack, platform: PlatformSettings, verifier: TokenVerifier
) -> None:
    tokens = await oidc.service_tokens(platform, "gateway", SealedSecrets(stack.store))
    principal = await verifier.verify(await tokens.token())
    assert principal.name == "gateway"
    assert principal.tenants == ()


async def test_a_membership_made_elsewhere_counts_in_the_next_token(
    stack: Stack, platform: PlatformSettings, verifier: TokenVerifier
) -> None:
    directory = LocalDirectory(stack.store)
    acme = TenantId("acme")
    await directory.add_tenant(acme)
    form = {"client_id": "robot", "client_secret": await directory.add_service("robot")}
    await directory.grant(acme, Role.VIEWER, Member(MemberKind.SERVICE, "robot"))
    granted = await oidc.request_token(
        platform.issuer, {"grant_type": "client_credentials", **form}
    )
    principal = await verifier.verify(granted.access_token)
    assert principal.roles == {acme: {Role.VIEWER}}


def test_a_rotated_key_signs_and_the_last_one_still_verifies(stack: Stack) -> None:
    before = demo_token(stack.issuer_url, stack.store)
    Identities(stack.store).rotate(int(time.time()))
    after = demo_token(stack.issuer_url, stack.store)
    kids = [jwt.get_unverified_header(token)["kid"] for token in (before, after)]
    assert kids[0] != kids[1]
    assert {key["kid"] for key in keycloak(stack).certs()["keys"]} >= set(kids)
    assert keycloak(stack).introspect(before)["active"]


def test_no_private_part_of_a_key_is_published(stack: Stack) -> None:
    for key in keycloak(stack).certs()["keys"]:
        assert set(key) <= {"kty", "n", "e", "kid", "use", "alg"}


@pytest.mark.parametrize("grant", ["authorization_code", "implicit", "", "password2"])
def test_other_grants_are_refused(stack: Stack, grant: str) -> None:
    client = stack.store.get(PLATFORM, "oidc/demo-admin")
    status, answer, _ = post(stack, "token", {"grant_type": grant, **client})
    assert (status, answer["error"]) == (400, "unsupported_grant_type")


def test_a_long_request_is_refused(stack: Stack) -> None:
    status, answer, _ = post(stack, "token", {"grant_type": "x" * 50_000})
    assert (status, answer["error"]) == (400, "invalid_request")


def test_guessing_is_slowed_down_and_the_client_itself_is_not(stack: Stack) -> None:
    with pytest.raises(KeycloakAuthenticationError):
        keycloak(stack, "guess").token(grant_type="client_credentials")
    guess = {"grant_type": "client_credentials", "client_id": "demo-admin", "client_secret": "x"}
    answers = [post(stack, "token", guess) for _ in range(15)]
    assert {status for status, _, _ in answers} == {401, 429}
    status, _, headers = answers[-1]
    assert status == 429
    assert int(headers["retry-after"]) >= 1
    for name in ("demo-admin", "gateway"):
        client = stack.store.get(PLATFORM, f"oidc/{name}")
        assert post(stack, "token", {"grant_type": "client_credentials", **client})[0] == 200


def test_a_flood_of_guesses_costs_no_client_its_tokens(stack: Stack) -> None:
    guesses = ({"client_id": f"nobody-{n}", "client_secret": "x"} for n in range(3000))
    answers = (post(stack, "token", each)[0] for each in guesses)
    assert 429 in answers, "their budget ends"
    client = stack.store.get(PLATFORM, "oidc/demo-admin")
    assert post(stack, "token", {"grant_type": "client_credentials", **client})[0] == 200


def test_a_persons_password_is_guessed_slowly_also_by_a_client(stack: Stack) -> None:
    client = stack.store.get(PLATFORM, "oidc/demo-admin")
    form = {"grant_type": "password", "username": "somebody", "password": "x", **client}
    assert {post(stack, "token", form)[0] for _ in range(12)} == {400, 429}


def test_it_says_that_it_is_alive_and_what_it_counted(stack: Stack) -> None:
    post(stack, "token", {"grant_type": "nonsense"})
    netloc = urlsplit(stack.issuer_url).netloc
    told = {}
    for path in ("/healthz", "/readyz", "/metrics"):
        connection = http.client.HTTPConnection(netloc, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            told[path] = answer.read().decode()
            assert answer.status == 200, path
        finally:
            connection.close()
    assert 'callfunnel_issuer_requests_total{outcome="refused"}' in told["/metrics"]
    assert "client" not in told["/metrics"]
