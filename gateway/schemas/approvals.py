"""Approvals, as the API shows them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from gateway.schemas.calls import Shown


class Approval(Shown):
    """A tool call that a person must decide, or has decided."""

    approval: str
    call: str
    tool: str
    what: str
    arguments: dict[str, Any]
    limit: str
    state: Literal["open", "approved", "refused", "expired"]
    opened_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None
    decided_by: str | None = None
    via: str | None = None


class ApprovalList(Shown):
    items: list[Approval]
    next: str | None = None


class Decision(BaseModel):
    """What a person decides. The first decision wins."""

    model_config = ConfigDict(extra="forbid")
    decision: Literal["approved", "refused"]


class Decided(Shown):
    """The decision counts."""

    approval: str
    decision: Literal["approved", "refused"]
