"""Forged and borrowed tokens at the door of a running product (what a verifier refuses by itself:
tests/unit/callfunnel/auth/test_tokens.py), and tokens of media sockets."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from callfunnel.auth.permissions import Role
from callfunnel.auth.principal import group_path
from callfunnel.local.identity.identities import Identities, SigningKey
from tests.security.two_tenants import A, TwoTenants
from tests.simulators.waiting import eventually

OWN = rsa.generate_private_key(public_exponent=65537, key_size=2048)
Forge = Callable[[SigningKey, dict[str, Any]], str]


def public(key: SigningKey) -> bytes:
    loaded = serialization.load_pem_private_key(key.pem.encode(), None)
    return loaded.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def by_hmac(key: SigningKey, claims: dict[str, Any]) -> str:
    """HS256 with the public key as its secret; PyJWT itself refuses to make one."""
    head, body, _ = jwt.encode(claims, "x" * 40, algorithm="HS256", headers={"kid": key.kid}).split(
        "."
    )
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = algorithm.sign(f"{head}.{body}".encode(), public(key))
    return f"{head}.{body}.{jwt.utils.base64url_encode(signature).decode()}"


def signed(key: SigningKey, claims: dict[str, Any], **headers: Any) -> str:
    return jwt.encode(claims, key.pem, algorithm="RS256", headers={"kid": key.kid, **headers})


def by_stranger(key: SigningKey, claims: dict[str, Any], **headers: Any) -> str:
    return jwt.encode(claims, OWN, algorithm="RS256", headers={"kid": key.kid, **headers})


OWN_JWK = jwt.algorithms.RSAAlgorithm.to_jwk(OWN.public_key(), as_dict=True)
FORGED: dict[str, Forge] = {
    "unsigned": lambda key, claims: jwt.encode(claims, None, "none", {"kid": key.kid}),
    "hmac with the public key": by_hmac,
    "a key of one's own": by_stranger,
    "a key in the header": lambda key, claims: by_stranger(key, claims, jwk=OWN_JWK),
    "a key from elsewhere": lambda key, claims: by_stranger(
        key, claims, jku="http://127.0.0.1:9/certs", x5u="http://127.0.0.1:9/x"
    ),
    "another kid": lambda key, claims: by_stranger(key, claims, kid="../../dev/null"),
    "a critical extension": lambda key, claims: signed(key, claims, crit=["exp2"], exp2=1),
    "another audience": lambda key, claims: signed(key, {**claims, "aud": "account"}),
    "another issuer": lambda key, claims: signed(key, {**claims, "iss": claims["iss"] + "2"}),
    "another type": lambda key, claims: signed(key, {**claims, "typ": "ID"}),
    "expired": lambda key, claims: signed(key, {**claims, "exp": int(time.time()) - 60}),
    "from the future": lambda key, claims: signed(key, {**claims, "nbf": int(time.time()) + 600}),
    "no end": lambda key, claims: signed(key, {k: v for k, v in claims.items() if k != "exp"}),
    "huge": lambda key, claims: signed(key, {**claims, "x": "y" * 20_000}),
}


@pytest.fixture(scope="module")
def key(attacked: TwoTenants) -> SigningKey:
    return Identities(attacked.store).keys(int(time.time()))[0]


@pytest.fixture(scope="module")
def claims(attacked: TwoTenants) -> dict[str, Any]:
    """The claims of a good token of A's."""
    token = attacked.as_a["Authorization"].removeprefix("Bearer ")
    made: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return made


def asked(attacked: TwoTenants, token: str) -> httpx.Response:
    head = {"Authorization": f"Bearer {token}"}
    return attacked.door.get(f"/v1/calls/{attacked.theirs.call}", headers=head)


def test_the_same_claims_signed_by_the_issuer_open_the_door(
    attacked: TwoTenants, key: SigningKey, claims: dict[str, Any]
) -> None:
    assert asked(attacked, signed(key, claims)).status_code == 200


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_token_opens_nothing(
    attacked: TwoTenants, key: SigningKey, claims: dict[str, Any], forged: str
) -> None:
    answer = asked(attacked, FORGED[forged](key, claims))
    assert answer.status_code in (400, 401, 429, 431)  # an address with many of them waits
    assert attacked.theirs.call not in answer.text
    assert "signature" not in answer.text.lower()


@pytest.mark.parametrize("groups", [None, "x", {"a": 1}, [["/tenants/demo/viewer"]], [1], []])
def test_groups_that_are_none_open_no_tenant(
    attacked: TwoTenants, key: SigningKey, claims: dict[str, Any], groups: Any
) -> None:
    assert asked(attacked, signed(key, {**claims, "groups": groups})).status_code == 403


def test_a_token_elsewhere_than_in_its_header_counts_for_nothing(attacked: TwoTenants) -> None:
    token = attacked.as_a["Authorization"].removeprefix("Bearer ")
    path = f"/v1/calls/{attacked.theirs.call}"
    assert attacked.door.get(f"{path}?access_token={token}").status_code == 401
    cookies = {"Cookie": f"access_token={token}; token={token}"}
    assert attacked.door.get(path, headers=cookies).status_code == 401


def test_a_flood_of_made_up_tokens_is_slowed_and_good_ones_go_on(attacked: TwoTenants) -> None:
    flood = [asked(attacked, f"nonsense-{n}").status_code for n in range(60)]
    assert set(flood) <= {401, 429}
    assert flood[-1] == 429
    assert (
        asked(attacked, attacked.as_a["Authorization"].removeprefix("Bearer ")).status_code == 200
    )


@pytest.fixture
def placed(attacked: TwoTenants) -> dict[str, Any]:
    """A call of A that waits for its media."""
    body = {"agent": "home-internet"}
    answer = attacked.door.post("/v1/phone-tokens", json=body, headers=attacked.as_a)
    made: dict[str, Any] = answer.json()
    return made


def refused(url: str) -> int:
    """The status of a handshake that fails."""
    with pytest.raises(InvalidStatus) as failed, connect(url):
        pass
    return failed.value.response.status_code


def test_a_media_token_opens_one_socket_once(attacked: TwoTenants, placed: dict[str, Any]) -> None:
    url = placed["media_url"]
    with connect(url) as socket:
        socket.send(json.dumps({"type": "start", "rate": 8000}))
        assert refused(url) == 403  # while the call is on
        assert socket.recv(timeout=10)
        path = f"/v1/calls/{placed['call']}/hangup"
        eventually(
            lambda: attacked.door.post(path, headers=attacked.as_a).status_code == 202, "hung up"
        )
        eventually(lambda: _over(socket), "the call is over")
    assert refused(url) == 403  # and after its end


def _over(socket: Any) -> bool:
    try:
        socket.recv(timeout=10)
    except Exception:
        return True
    return False


def test_a_media_token_is_for_its_worker_and_its_path(
    attacked: TwoTenants, placed: dict[str, Any]
) -> None:
    url, token = placed["media_url"], placed["token"]
    gateway = url.partition("/media/")[0]
    for odd in (
        f"{gateway}/media/media-2/{token}",
        f"{gateway}/media/media-1/{token}x",
        f"{gateway}/media/media-1/{token[:-1]}",
        f"{gateway}/media/media-1/{token.swapcase()}",
        f"{gateway}/media/media-1/../media-1/{token}",
        f"{gateway}/media/media-1/x/{token}",
        f"{gateway}/media/{token}",
        f"{gateway}/media/media-1/{placed['call']}",
        f"{gateway}/v1/calls",
    ):
        assert refused(odd) in (403, 404), odd
    access = attacked.token(group_path(A, Role.OPERATOR))
    assert refused(f"{gateway}/media/media-1/{access[-60:]}") in (403, 404)
    with connect(url) as socket:  # nothing of that used it up
        socket.send(json.dumps({"type": "stop"}))
