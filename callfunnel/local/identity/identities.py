"""Who the local issuer knows: clients, users and its signing keys, all in the sealed store.

Client secrets are random and long, so a plain digest guards them; users' passwords are hashed
with argon2. Read anew for every request, so a change by another process counts at once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from joserfc.jwk import RSAKey

from callfunnel.domain.ids import PLATFORM
from callfunnel.infra.sealed import SealedFolder
from callfunnel.infra.secrets import SecretMissing

_KEYS = "issuer/keys"
_KEY_LIFE_S = 30 * 86_400
_PUBLISHED_AFTER_S = 86_400
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODY = _HASHER.hash("nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A client or a user. `guard` is the digest or hash of its secret."""

    name: str
    subject: str
    guard: str
    groups: tuple[str, ...] = ()
    token_s: int = 300


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`made` in unix seconds. The newest key signs."""

    kid: str
    pem: str
    made: int

    def rsa(self) -> RSAKey:
        return RSAKey.import_key(self.pem, {"kid": self.kid, "use": "sig", "alg": "RS256"})


class Identities:
    """Clients, users and keys of one home."""

    def __init__(self, store: SealedFolder) -> None:
        self._store = store

    def client(self, name: str) -> Identity | None:
        return self._load("clients", name)

    def user(self, name: str) -> Identity | None:
        return self._load("users", name)

    def clients(self) -> list[Identity]:
        return self._all("clients")

    def users(self) -> list[Identity]:
        return self._all("users")

    def add_client(self, name: str, secret: str, groups: Iterable[str], token_s: int) -> Identity:
        """Make or replace a client; its subject stays."""
        known = self.client(name)
        return self._save(
            "clients",
            Identity(
                name=name,
                subject=known.subject if known else str(uuid.uuid4()),
                guard=_digest(secret),
                groups=tuple(sorted(groups)),
                token_s=token_s,
            ),
        )

    def add_user(self, name: str, password: str, groups: Iterable[str]) -> Identity:
        """Make or replace a user; its subject stays."""
        known = self.user(name)
        subject = known.subject if known else str(uuid.uuid4())
        guard = _HASHER.hash(password)
        return self._save(
            "users", Identity(name=name, subject=subject, guard=guard, groups=tuple(sorted(groups)))
        )

    def regroup(self, kind: str, name: str, groups: Iterable[str]) -> None:
        """Replace the groups of one of `clients` or `users`; no-op when it is not there."""
        known = self._load(kind, name)
        if known is not None:
            self._save(kind, replace(known, groups=tuple(sorted(groups))))

    def remove(self, kind: str, name: str) -> None:
        self._store.delete(PLATFORM, f"issuer/{kind}/{name}")

    def keys(self, now: int) -> list[SigningKey]:
        """The keys to publish, the signing one first; makes and retires keys as time goes."""
        kept = self._stored_keys()
        if not kept or now - kept[0].made >= _KEY_LIFE_S:
            kept = self.rotate(now)
        return kept

    def rotate(self, now: int) -> list[SigningKey]:
        """Sign with a new key from now on; the last one stays published for a day."""
        kept = self._stored_keys()
        published = [
            key
            for number, key in enumerate(kept)
            if number == 0 or now - kept[number - 1].made < _PUBLISHED_AFTER_S
        ]
        made = RSAKey.generate_key(2048, private=True)
        new = SigningKey(uuid.uuid4().hex, made.as_pem(private=True).decode(), now)
        keys = [new, *published]
        content = [{"kid": key.kid, "pem": key.pem, "made": key.made} for key in keys]
        self._store.put(PLATFORM, _KEYS, {"keys": json.dumps(content)})
        return keys

    def _stored_keys(self) -> list[SigningKey]:
        try:
            content = self._store.get(PLATFORM, _KEYS)["keys"]
        except SecretMissing:
            return []
        return [SigningKey(**entry) for entry in json.loads(content)]

    def _load(self, kind: str, name: str) -> Identity | None:
        try:
            value = self._store.get(PLATFORM, f"issuer/{kind}/{name}")
        except (SecretMissing, ValueError):
            return None
        return Identity(
            name=name,
            subject=value["subject"],
            guard=value["guard"],
            groups=tuple(json.loads(value["groups"])),
            token_s=int(value["token_s"]),
        )

    def _all(self, kind: str) -> list[Identity]:
        prefix = f"issuer/{kind}/"
        paths = [path for path in self._store.paths(PLATFORM) if path.startswith(prefix)]
        found = [self._load(kind, path.removeprefix(prefix)) for path in paths]
        return [identity for identity in found if identity is not None]

    def _save(self, kind: str, identity: Identity) -> Identity:
        value = {
            "subject": identity.subject,
            "guard": identity.guard,
            "groups": json.dumps(identity.groups),
            "token_s": str(identity.token_s),
        }
        self._store.put(PLATFORM, f"issuer/{kind}/{identity.name}", value)
        return identity


def secret_fits(client: Identity | None, secret: str) -> bool:
    """Whether `secret` is the client's; takes the same time for a client that is not there."""
    guard = client.guard if client else _digest("")
    return hmac.compare_digest(guard, _digest(secret)) and client is not None


def password_fits(user: Identity | None, password: str) -> bool:
    """Whether `password` is the user's; costs the same when there is no such user."""
    try:
        _HASHER.verify(user.guard if user else _NOBODY, password)
    except (Argon2Error, InvalidHashError):
        return False
    return user is not None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
