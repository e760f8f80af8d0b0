"""What an approval's answer may be, and what is told once it is closed. Pure."""

from typing import Any

import msgspec

from callfunnel.domain.approval import Decision
from callfunnel.events.requests import Accepted, RunTool

DECISIONS = frozenset({Decision.APPROVED.value, Decision.REFUSED.value})


class Waiting(msgspec.Struct, frozen=True):
    """An approval as it was opened, with all it takes to act on it."""

    approval: str
    call: str
    tool_call: str
    tool: str
    agent: str
    rulebook_version: int
    caller: str
    arguments: dict[str, Any]
    traceparent: str

    def tool_run(self) -> RunTool:
        """The tool call that was asked for; nobody waits for it any more, so no deadline."""
        return RunTool(
            tool_call=self.tool_call,
            tool=self.tool,
            arguments=self.arguments,
            agent=self.agent,
            rulebook_version=self.rulebook_version,
            caller=self.caller,
            deadline_ms=0,
        )


class Verdict(msgspec.Struct, frozen=True):
    """Who decided what, and through which door."""

    decision: str
    by: str
    via: str


EXPIRED = Verdict(Decision.EXPIRED.value, "nobody", "clock")
LATE = Accepted(ok=False, reason="late", detail="It was decided before, or it has expired.")
UNKNOWN = Accepted(ok=False, reason="unknown", detail="There is no such approval.")
INVALID = Accepted(ok=False, reason="invalid", detail="Decide `approved` or `refused`.")
TAKEN = Accepted(ok=True)
