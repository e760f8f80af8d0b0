"""The passwords and keys of one home: made at the first start, kept in the sealed store.

Making them again is a no-op, so every start may ask for all of them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial

from callfunnel.domain.ids import PLATFORM
from callfunnel.infra.sealed import SealedFolder

SYSTEM_USER = "system"
"""Who may ask the bus for its own health."""
NATS_ROLES = ("supervisor", "gateway", "media", "conductor", "persistence", "billing")
POSTGRES_ROLES = ("superuser", "owner", "gateway", "conductor", "persistence", "billing")
OBJECT_ROLES = ("owner", "gateway", "persistence")
SERVICES = ("gateway", "media", "conductor", "persistence", "billing")
DEMO_CLIENT = "demo-admin"
PAGE = "demo/page"


def _user_and_password(user: str) -> dict[str, str]:
    return {"user": user, "password": secrets.token_urlsafe(24)}


def _postgres_user(role: str) -> dict[str, str]:
    return _user_and_password("postgres" if role == "superuser" else f"cf_{role}")


def _object_keys(role: str) -> dict[str, str]:
    return {"access_key": f"cf-{role}", "secret_key": secrets.token_urlsafe(24)}


def _client(client_id: str) -> dict[str, str]:
    return {"client_id": client_id, "client_secret": secrets.token_urlsafe(24)}


def _inner_certificate() -> dict[str, str]:
    from callfunnel.local.home.certificates import own_certificate  # needed once in a home's life

    return own_certificate("objects")


def _wanted() -> dict[str, Callable[[], dict[str, str]]]:
    return {
        PAGE: lambda: {"key": secrets.token_urlsafe(16)},
        "jetstream/key": lambda: {"key": secrets.token_hex(32)},
        "objects/sse": lambda: {"kek": secrets.token_hex(32), "passphrase": secrets.token_hex(16)},
        "objects/inside": lambda: {
            name: secrets.token_hex(24) for name in ("volume", "filer", "admin")
        },
        "objects/tls": _inner_certificate,
        **{f"nats/{who}": partial(_user_and_password, who) for who in (*NATS_ROLES, SYSTEM_USER)},
        **{f"postgres/{role}": partial(_postgres_user, role) for role in POSTGRES_ROLES},
        **{f"objects/{role}": partial(_object_keys, role) for role in OBJECT_ROLES},
        **{f"oidc/{name}": partial(_client, name) for name in (*SERVICES, DEMO_CLIENT)},
    }


def ensure_credentials(store: SealedFolder) -> None:
    """Make every credential that is not there yet; those that are stay as they are."""
    present = set(store.paths(PLATFORM))
    for path, make in _wanted().items():
        if path not in present:
            store.put(PLATFORM, path, make())


def credential(store: SealedFolder, path: str) -> dict[str, str]:
    """A credential of the platform. Raises SecretMissing before `ensure_credentials`."""
    return store.get(PLATFORM, path)
