"""What a person is asked to decide, and how it can end."""

import enum

import msgspec


class Decision(enum.StrEnum):
    """How an approval ends; the first one wins."""

    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """The question: `what` and the agent's own `limit` as the approver reads them."""

    what: str
    limit: str
    expires_ms: int


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """An approval that waits, or waited. `expires_at` is RFC 3339 UTC."""

    approval: str
    expires_at: str
