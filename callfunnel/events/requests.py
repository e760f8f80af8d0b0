"""Request-reply: questions with exactly one answer and a deadline; nothing of them is stored."""

from typing import Any

import msgspec

from callfunnel.domain.call import CallSpec
from callfunnel.events.message import Message, message


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """Done, or not and why (`reason` is a stable word: full, draining, unknown, late, invalid)."""

    ok: bool
    reason: str = ""
    detail: str = ""


class Reserved(msgspec.Struct, frozen=True, kw_only=True):
    """`token` is used once, in the path of the media socket, within `expires_s`."""

    ok: bool
    token: str = ""
    epoch: int = 0
    expires_s: int = 30
    reason: str = ""


class ToolOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """`outcome`: done, failed or pending (then `approval` and `expires_at` are set)."""

    outcome: str
    result: dict[str, Any] = {}
    approval: str = ""
    expires_at: str = ""
    limit: str = ""
    what: str = ""
    detail: str = ""


class RulebookStored(msgspec.Struct, frozen=True, kw_only=True):
    """`errors` say what is wrong with a refused document, with line numbers; the old one stays."""

    ok: bool
    version: int = 0
    errors: list[dict[str, Any]] = []


@message(
    kind="request",
    family="worker",
    name="reserve",
    key="worker",
    reply=Reserved,
    sender="gateway",
    handlers=("media",),
    meaning="hold a slot for this call",
)
class ReserveSlot(Message, frozen=True, kw_only=True):
    spec: CallSpec


@message(
    kind="request",
    family="worker",
    name="release",
    key="worker",
    reply=Accepted,
    sender="gateway",
    handlers=("media",),
    meaning="the reservation is not needed after all",
)
class ReleaseSlot(Message, frozen=True, kw_only=True):
    call: str


@message(
    kind="request",
    family="control",
    name="hangup",
    key="call",
    reply=Accepted,
    sender="gateway",
    handlers=("media",),
    meaning="end the call now",
)
class HangUp(Message, frozen=True, kw_only=True):
    by: str


@message(
    kind="request",
    family="tool",
    name="run",
    key="call",
    reply=ToolOutcome,
    sender="media",
    handlers=("tools",),
    meaning="run a tool of the call's rule book; (call, tool_call) is the idempotency key",
)
class RunTool(Message, frozen=True, kw_only=True):
    tool_call: str
    tool: str
    arguments: dict[str, Any]
    agent: str
    rulebook_version: int
    caller: str
    deadline_ms: int


@message(
    kind="request",
    family="decision",
    name="decide",
    key="approval",
    reply=Accepted,
    sender="gateway",
    handlers=("approvals",),
    meaning="approve or refuse; the first decision wins, a late one changes nothing",
)
class DecideApproval(Message, frozen=True, kw_only=True):
    decision: str
    by: str
    via: str


@message(
    kind="request",
    family="rulebook",
    name="put",
    key="agent",
    reply=RulebookStored,
    sender="gateway",
    handlers=("rulebooks",),
    meaning="validate and publish a new version",
)
class PutRulebook(Message, frozen=True, kw_only=True):
    document: str
    by: str
