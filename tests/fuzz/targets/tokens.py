"""Bearer tokens; after `!` the rest is the claims of a token that is signed as it should be."""

import base64
import json
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from callfunnel.auth.keys import KeyRing
from callfunnel.auth.principal import Principal
from callfunnel.auth.tokens import TokenRefused, TokenVerifier
from tests.fuzz.target import Target, finished
from tests.unit.callfunnel.auth.test_tokens import AUDIENCE, ISSUER, KEY, claims, fetch, signed

_VERIFIER = TokenVerifier(KeyRing(fetch, time.monotonic), ISSUER, AUDIENCE)


def check(data: bytes) -> None:
    token = _signed(data[1:]) if data[:1] == b"!" else data.decode("utf-8", "replace")
    try:
        principal = finished(_VERIFIER.verify(token))
    except TokenRefused:
        return
    assert isinstance(principal, Principal)
    assert principal.subject
    assert all(role for roles in principal.roles.values() for role in roles)


def _signed(content: bytes) -> str:
    parts = [base64.urlsafe_b64encode(part).rstrip(b"=") for part in (_HEAD, content)]
    text = b".".join(parts)
    mark = KEY.sign(text, padding.PKCS1v15(), hashes.SHA256())
    return (text + b"." + base64.urlsafe_b64encode(mark).rstrip(b"=")).decode()


_HEAD = b'{"alg":"RS256","kid":"k1","typ":"JWT"}'
_CLAIMS = "!" + json.dumps(claims(iat=1, exp=99999999999))

TARGET = Target(
    check=check,
    seeds=(
        signed(claims(exp=99999999999)).encode(),
        _CLAIMS.encode(),
        base64.urlsafe_b64encode(_HEAD).rstrip(b"=") + b".e30.AA",
    ),
    tokens=('"exp":', '"aud":[', '"groups":["/tenants/', "Infinity", "1e999", '"nbf":', '"sub":'),
)
