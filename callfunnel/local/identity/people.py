"""The clients and the user that the local issuer knows from the start. Repeatable."""

from __future__ import annotations

import secrets

from callfunnel.auth.permissions import Role
from callfunnel.auth.principal import group_path
from callfunnel.domain.ids import PLATFORM
from callfunnel.infra.sealed import SealedFolder
from callfunnel.infra.secrets import SecretMissing
from callfunnel.local.demo import TENANT
from callfunnel.local.home.credentials import DEMO_CLIENT, SERVICES, credential
from callfunnel.local.identity.identities import Identities

DEMO_USER = "demo"
_USER_SECRET = "oidc/demo-user"  # noqa: S105 - a path, not a password
_SERVICE_TOKEN_S = 300
_DEMO_TOKEN_S = 3600


def ensure_people(identities: Identities, store: SealedFolder) -> None:
    """Make what is missing: a client per service, the demo tenant's admin client and user."""
    every_role = [group_path(TENANT, role) for role in Role if role is not Role.SERVICE]
    for service in SERVICES:
        if identities.client(service) is None:
            _client(identities, store, service, (), _SERVICE_TOKEN_S)
    if identities.client(DEMO_CLIENT) is None:
        _client(identities, store, DEMO_CLIENT, every_role, _DEMO_TOKEN_S)
    if identities.user(DEMO_USER) is None:
        identities.add_user(DEMO_USER, _user_password(store), every_role)


def _client(
    identities: Identities,
    store: SealedFolder,
    name: str,
    groups: list[str] | tuple[str, ...],
    token_s: int,
) -> None:
    secret = credential(store, f"oidc/{name}")["client_secret"]
    identities.add_client(name, secret, groups, token_s)


def _user_password(store: SealedFolder) -> str:
    try:
        return store.get(PLATFORM, _USER_SECRET)["password"]
    except SecretMissing:
        made = {"username": DEMO_USER, "password": secrets.token_urlsafe(12)}
        store.put(PLATFORM, _USER_SECRET, made)
        return made["password"]
