import asyncio
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from callfunnel.auth.keys import KeyRing, KeysUnavailable, signing_keys

FIRST = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SECOND = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WEAK = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - the test refuses it


def entry(kid: str, key: rsa.RSAPrivateKey, **changed: Any) -> dict[str, Any]:
    made = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**made, "kid": kid, "use": "sig", "alg": "RS256", **changed}


class Issuer:
    """An issuer with a clock that the test moves."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.document: Mapping[str, Any] = {"keys": list(keys)}
        self.up = True
        self.requests = 0
        self.now = 1000.0
        self.ring = KeyRing(self.fetch, lambda: self.now)

    async def fetch(self) -> Mapping[str, Any]:
        self.requests += 1
        await asyncio.sleep(0)
        if not self.up:
            raise ConnectionRefusedError
        return self.document


async def test_many_tokens_at_once_make_one_request() -> None:
    issuer = Issuer(entry("a", FIRST))
    keys = await asyncio.gather(*(issuer.ring.key("a") for _ in range(100)))
    assert all(keys)
    assert issuer.requests == 1


async def test_a_flood_of_unknown_kids_makes_one_request_in_ten_seconds() -> None:
    issuer = Issuer(entry("a", FIRST))
    for second in range(10):
        issuer.now = 1000.0 + second
        await asyncio.gather(*(issuer.ring.key(f"made-up-{n}") for n in range(50)))
    assert issuer.requests == 1


async def test_a_rotated_key_is_found_after_the_pause() -> None:
    issuer = Issuer(entry("a", FIRST))
    assert await issuer.ring.key("a")
    issuer.document = {"keys": [entry("b", SECOND), entry("a", FIRST)]}
    issuer.now += 11
    assert await issuer.ring.key("b")
    assert await issuer.ring.key("a")


async def test_a_withdrawn_key_stops_counting() -> None:
    issuer = Issuer(entry("a", FIRST))
    assert await issuer.ring.key("a")
    issuer.document = {"keys": [entry("b", SECOND)]}
    issuer.now += 601
    assert await issuer.ring.key("a") is None


async def test_known_keys_serve_while_the_issuer_is_down() -> None:
    issuer = Issuer(entry("a", FIRST))
    assert await issuer.ring.key("a")
    issuer.up = False
    issuer.now += 5000
    assert await issuer.ring.key("a")


async def test_nobody_is_refused_for_good_before_the_first_keys_came() -> None:
    issuer = Issuer(entry("a", FIRST))
    issuer.up = False
    with pytest.raises(KeysUnavailable):
        await issuer.ring.key("a")
    issuer.up = True
    issuer.now += 2
    assert await issuer.ring.key("a")


def test_only_strong_rsa_signing_keys_are_taken() -> None:
    document = {
        "keys": [
            entry("good", FIRST),
            entry("encryption", FIRST, use="enc"),
            entry("other-algorithm", FIRST, alg="RS512"),
            entry("weak", WEAK),
            {"kid": "shared", "kty": "oct", "k": "c2VjcmV0", "alg": "HS256"},
            {"kty": "RSA", "n": "x", "e": "y", "kid": "broken"},
            {**entry("x", FIRST), "kid": 7},
            "text",
        ]
    }
    assert set(signing_keys(document)) == {"good"}
    assert signing_keys({"keys": "none"}) == {}
    assert signing_keys({}) == {}
