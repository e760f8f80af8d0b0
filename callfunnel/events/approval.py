"""Approvals: a tool call that a person must decide."""

from collections.abc import Callable

from callfunnel.events import fields as f
from callfunnel.events.message import M, Message, message
from callfunnel.events.streams import APPROVALS


def _approval(name: str, meaning: str, *handlers: str) -> Callable[[type[M]], type[M]]:
    return message(
        kind="event",
        family="approval",
        name=name,
        key="approval",
        stream=APPROVALS,
        sender="approvals",
        handlers=handlers,
        meaning=meaning,
    )


@_approval("opened", "a person is asked to decide", "gateway feed")
class ApprovalOpened(Message, frozen=True, kw_only=True):
    call: str
    tool_call: str
    tool: str
    what: f.Spoken
    arguments: f.Personal
    limit: str
    expires_at: str


@_approval("closed", "decided or expired; the first decision wins", "media", "gateway feed")
class ApprovalClosed(Message, frozen=True, kw_only=True):
    """`decision`: approved, refused or expired. `result` is the tool's, once it has acted."""

    call: str
    tool_call: str
    decision: str
    by: str
    via: str
    result: f.Personal
