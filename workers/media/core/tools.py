"""The model's tool calls: asked once, answered, expired or fenced exactly once, told together.

The calls of one reply form a batch; its answers go to the model when all are there, in the order
of the calls. The effect of a tool is never run twice: (call, `tool_call`) is its key.
"""

from typing import Any, Final

from callfunnel.domain.rulebook import Tool
from workers.media.core.policy import seconds

LATE_S: Final = 0.25
"""The conductor keeps the deadline itself; this much later the core stops waiting for its word."""


class ToolCall:
    """One tool call. `output` is what the model will be told, once it is known."""

    __slots__ = ("arguments", "asked_at", "expires", "id", "model_call", "name", "output", "tool")

    def __init__(
        self, number: int, model_call: str, name: str, arguments: dict[str, Any], now: float
    ) -> None:
        self.id = f"tc_{number}"
        self.model_call = model_call
        self.name = name
        self.arguments = arguments
        self.asked_at = now
        self.expires = now
        self.tool: Tool | None = None
        self.output: dict[str, Any] | None = None


class Tools:
    """The calls the model has not been told about yet, in order, and who was answered before."""

    def __init__(self) -> None:
        self._batch: list[ToolCall] = []
        self._calls: dict[str, ToolCall] = {}
        self._seen: set[str] = set()

    def ask(
        self, model_call: str, name: str, arguments: dict[str, Any], now: float
    ) -> ToolCall | None:
        """Notes a call of the model; None when it was asked before."""
        if model_call in self._seen:
            return None
        self._seen.add(model_call)
        call = ToolCall(len(self._seen), model_call, name, arguments, now)
        self._calls[call.id] = call
        self._batch.append(call)
        return call

    def run(self, call: ToolCall, tool: Tool) -> None:
        """The call is being run, until its tool's deadline."""
        call.tool = tool
        call.expires = call.asked_at + seconds(tool.deadline_ms) + LATE_S

    def find(self, tool_call: str) -> ToolCall | None:
        """The call of that id, answered or not."""
        return self._calls.get(tool_call)

    def waiting(self) -> list[ToolCall]:
        """The calls without an answer."""
        return [call for call in self._batch if call.output is None]

    def expired(self, now: float) -> list[ToolCall]:
        """The calls whose time is over without an answer."""
        return [call for call in self.waiting() if now >= call.expires]

    def collect(self) -> list[ToolCall]:
        """The batch, once every call in it has its answer; then it is forgotten here."""
        if any(call.output is None for call in self._batch):
            return []
        batch, self._batch = self._batch, []
        return batch

    def answer(self, call: ToolCall, status: str, **more: Any) -> None:
        """What the model will be told of this call. Once: a later answer changes nothing."""
        if call.output is None:
            call.output = {"status": status, **more}

    def abandon(self) -> list[ToolCall]:
        """Gives up every call without an answer, at the end of the call."""
        waiting, self._batch = self.waiting(), []
        for call in waiting:
            self.answer(call, "fenced")
        return waiting

    def deadline(self) -> float | None:
        """When the next call expires."""
        return min((call.expires for call in self.waiting()), default=None)
