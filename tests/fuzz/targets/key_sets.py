"""The issuer's key set (JWKS): the keys in it that are of use, whatever else is there."""

import base64
import json

from callfunnel.auth.keys import signing_keys
from tests.fuzz.target import Target
from tests.unit.callfunnel.auth.test_tokens import jwks


def check(data: bytes) -> None:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    found = signing_keys(document)
    assert all(key.key_size >= 2048 for key in found.values())


_KEY = jwks()["keys"][0]
_SMALL = {**_KEY, "n": base64.urlsafe_b64encode(b"\xff" * 64).rstrip(b"=").decode()}

TARGET = Target(
    check=check,
    seeds=(
        json.dumps(jwks()).encode(),
        json.dumps({"keys": [_SMALL, {"kty": "oct", "k": "AA", "kid": "k1"}, 1]}).encode(),
        json.dumps({"keys": [{**_KEY, "e": "AA", "use": "enc"}, {**_KEY, "d": "AQAB"}]}).encode(),
    ),
    tokens=('"kty":"RSA"', '"kid":', '"n":"', '"e":"', '"d":"', '"alg":"RS256"', '"oth":'),
    most_bytes=3000,
)
