"""Approvals this call waits for: each is decided once, whatever is said about it afterwards."""

from typing import Final

from workers.media.core.policy import seconds
from workers.media.core.tools import ToolCall

GRACE_S: Final = 15.0
"""After its expiry an approval is no longer worth keeping a silent line open for."""


class Approvals:
    """The open approvals, and until when the caller may be waiting for one."""

    def __init__(self) -> None:
        self._open: dict[str, ToolCall] = {}
        self._known: set[str] = set()
        self._until = 0.0

    def open(self, approval: str, call: ToolCall, now: float) -> bool:
        """A person was asked. False when this approval is known already."""
        if not approval or approval in self._known:
            return False
        self._known.add(approval)
        self._open[approval] = call
        policy = call.tool.approval if call.tool else None
        if policy is not None:
            self._until = max(self._until, now + seconds(policy.expires_ms) + GRACE_S)
        return True

    def close(self, approval: str) -> ToolCall | None:
        """It was decided: the tool call it was for, the first time; None ever after."""
        return self._open.pop(approval, None)

    def awaited(self, now: float) -> bool:
        """Is the caller waiting for somebody's decision?"""
        return bool(self._open) and now < self._until
