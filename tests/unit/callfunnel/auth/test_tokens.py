"""Every way in that must stay shut: each test is one attack on the door."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from callfunnel.auth.keys import KeyRing
from callfunnel.auth.tokens import TokenRefused, TokenVerifier

ISSUER = "https://id.example/realms/callfunnel"
AUDIENCE = "callfunnel-api"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwks() -> Mapping[str, Any]:
    entry = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    return {"keys": [{**entry, "kid": "k1", "use": "sig", "alg": "RS256"}]}


async def fetch() -> Mapping[str, Any]:
    return jwks()


@pytest.fixture
def verifier() -> TokenVerifier:
    return TokenVerifier(KeyRing(fetch, time.monotonic), ISSUER, AUDIENCE)


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "u-1",
        "typ": "Bearer",
        "iat": now,
        "exp": now + 300,
        "groups": ["/tenants/acme/viewer"],
    }
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def signed(content: dict[str, Any], key: rsa.RSAPrivateKey = KEY, kid: str = "k1") -> str:
    return jwt.encode(content, key, algorithm="RS256", headers={"kid": kid})


def by_hand(header: dict[str, Any], content: dict[str, Any], secret: bytes | None) -> str:
    def part(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    body = part(json.dumps(header).encode()) + b"." + part(json.dumps(content).encode())
    signature = hmac.new(secret, body, hashlib.sha256).digest() if secret is not None else b""
    return (body + b"." + part(signature)).decode()


async def test_a_good_token_is_its_subject(verifier: TokenVerifier) -> None:
    principal = await verifier.verify(signed(claims(sid="s-1", azp="console")))
    assert principal.subject == "u-1"
    assert principal.session == "s-1"
    assert principal.tenants == ("acme",)


async def test_the_audience_may_be_one_of_several(verifier: TokenVerifier) -> None:
    await verifier.verify(signed(claims(aud=["account", AUDIENCE])))


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "account"},
        {"aud": "callfunnel-api2"},
        {"aud": None},
        {"iss": "https://evil.example/realms/callfunnel"},
        {"iss": f"{ISSUER}/"},
        {"iss": None},
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"typ": None},
        {"exp": 1_700_000_000},  # long ago
        {"exp": None},
        {"iat": 9_000_000_000},  # not before the year 2255
        {"iat": None},
        {"nbf": 9_000_000_000},
        {"sub": None},
        {"sub": ""},
    ],
    ids=str,
)
async def test_a_token_that_is_not_for_us_is_refused(
    verifier: TokenVerifier, changed: dict[str, Any]
) -> None:
    with pytest.raises(TokenRefused):
        await verifier.verify(signed(claims(**changed)))


async def test_clocks_may_differ_by_half_a_minute(verifier: TokenVerifier) -> None:
    await verifier.verify(signed(claims(exp=int(time.time()) - 20)))


@pytest.mark.parametrize("name", ["none", "None", "NONE", ""])
async def test_an_unsigned_token_is_refused(verifier: TokenVerifier, name: str) -> None:
    with pytest.raises(TokenRefused):
        await verifier.verify(by_hand({"alg": name, "typ": "JWT", "kid": "k1"}, claims(), None))


async def test_the_public_key_as_an_hmac_secret_is_refused(verifier: TokenVerifier) -> None:
    public = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for secret in (public, public.strip(), b""):
        with pytest.raises(TokenRefused):
            await verifier.verify(by_hand({"alg": "HS256", "kid": "k1"}, claims(), secret))


async def test_a_key_inside_the_token_is_not_used(verifier: TokenVerifier) -> None:
    own = jwt.algorithms.RSAAlgorithm.to_jwk(STRANGER.public_key(), as_dict=True)
    for header in ({"jwk": own}, {"jku": "https://evil.example/certs"}, {"x5u": "https://evil"}):
        token = jwt.encode(claims(), STRANGER, algorithm="RS256", headers={"kid": "k1", **header})
        with pytest.raises(TokenRefused):
            await verifier.verify(token)


async def test_another_algorithm_with_the_right_key_is_refused(verifier: TokenVerifier) -> None:
    for algorithm in ("RS512", "PS256"):
        token = jwt.encode(claims(), KEY, algorithm=algorithm, headers={"kid": "k1"})
        with pytest.raises(TokenRefused):
            await verifier.verify(token)


async def test_a_changed_body_is_refused(verifier: TokenVerifier) -> None:
    head, _, signature = signed(claims()).split(".")
    _, body, _ = signed(claims(groups=["/tenants/acme/admin"]), STRANGER).split(".")
    with pytest.raises(TokenRefused):
        await verifier.verify(f"{head}.{body}.{signature}")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", ".".join("abcd"), "é" * 40, "a" * 20_000])
async def test_what_is_no_token_is_refused(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(TokenRefused):
        await verifier.verify(token)


@pytest.mark.parametrize("kid", [None, 7, "", "k" * 200, ["k1"]])
async def test_a_kid_is_a_short_text(verifier: TokenVerifier, kid: object) -> None:
    header = {"alg": "RS256", "typ": "JWT", "kid": kid}
    with pytest.raises(TokenRefused):
        await verifier.verify(by_hand(header, claims(), b"whatever"))


async def test_the_reason_does_not_repeat_the_token(verifier: TokenVerifier) -> None:
    token = signed(claims(aud="other"))
    with pytest.raises(TokenRefused) as refused:
        await verifier.verify(token)
    assert token not in str(refused.value)
