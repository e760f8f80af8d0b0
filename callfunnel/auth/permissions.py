"""What each role may do: one explicit table, nothing implied by a name.

Roles come from exact group paths (`principal`). Nobody may read a secret back, so there is no
permission for that.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final


class Role(enum.StrEnum):
    """A person's or client's part in one tenant: `/tenants/<tenant>/<role>`."""

    VIEWER = "viewer"
    LISTENER = "listener"
    OPERATOR = "operator"
    APPROVER = "approver"
    AUTHOR = "author"
    PUBLISHER = "publisher"
    BILLING = "billing"
    PRIVACY = "privacy"
    ADMIN = "admin"
    SERVICE = "service"


class PlatformRole(enum.StrEnum):
    """A part on the platform's own side: `/platform/<role>`."""

    OPERATOR = "operator"
    AUDITOR = "auditor"


class Permission(enum.StrEnum):
    """One thing a route may ask for."""

    READ_CALLS = "read_calls"
    PLAY_RECORDINGS = "play_recordings"
    LISTEN_LIVE = "listen_live"
    PLACE_CALLS = "place_calls"
    CONTROL_CALLS = "control_calls"
    READ_APPROVALS = "read_approvals"
    DECIDE_APPROVALS = "decide_approvals"
    READ_RULEBOOKS = "read_rulebooks"
    DRAFT_RULEBOOKS = "draft_rulebooks"
    PUBLISH_RULEBOOKS = "publish_rulebooks"
    READ_USAGE = "read_usage"
    SET_BUDGETS = "set_budgets"
    EXPORT_PERSONS = "export_persons"
    ERASE_PERSONS = "erase_persons"
    MANAGE_MEMBERS = "manage_members"
    MANAGE_KEYS = "manage_keys"
    MANAGE_WEBHOOKS = "manage_webhooks"
    WRITE_SECRETS = "write_secrets"


_P = Permission
_VIEW = frozenset({_P.READ_CALLS, _P.READ_APPROVALS, _P.READ_RULEBOOKS, _P.READ_USAGE})
_DRAFT = _VIEW | {_P.DRAFT_RULEBOOKS}

PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.VIEWER: _VIEW,
    Role.LISTENER: _VIEW | {_P.PLAY_RECORDINGS, _P.LISTEN_LIVE},
    Role.OPERATOR: _VIEW | {_P.PLACE_CALLS, _P.CONTROL_CALLS},
    Role.APPROVER: _VIEW | {_P.DECIDE_APPROVALS},
    Role.AUTHOR: _DRAFT,
    Role.PUBLISHER: _DRAFT | {_P.PUBLISH_RULEBOOKS},
    Role.BILLING: frozenset({_P.READ_USAGE, _P.SET_BUDGETS}),
    Role.PRIVACY: _VIEW | {_P.EXPORT_PERSONS, _P.ERASE_PERSONS},
    Role.ADMIN: frozenset(
        {_P.MANAGE_MEMBERS, _P.MANAGE_KEYS, _P.MANAGE_WEBHOOKS, _P.WRITE_SECRETS}
    ),
    Role.SERVICE: frozenset(),
}
"""A service has only what its client's scopes name; as a role it gives nothing."""


def permitted(roles: Iterable[Role]) -> frozenset[Permission]:
    """All that the holder of `roles` may do: the union, nothing more."""
    return frozenset().union(*(PERMISSIONS[role] for role in roles))
